// docs/queue/timing.md, docs/queue/failures.md and queue/README.md agree with the sources and the tests.
import assert from "node:assert/strict";
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
/** The cells of a page's tables, without their heads. */
const rows = (page: string) =>
  [...read(page).matchAll(/^\| (?!-)(.*) \|$/gm)].map(([, row]) => row!.split(" | ").map((cell) => cell.trim()));
const code = (cell: string) => cell.replaceAll("`", "");

describe("docs/queue/timing.md", () => {
  it("has the values of the constants in their files", () => {
    const constants = rows("docs/queue/timing.md").filter(([name]) => name!.startsWith("`"));
    const wrong = constants.filter((cells) => {
      const [name, value, file] = [cells[0]!, cells[1]!, cells.at(-1)!].map(code) as [string, string, string];
      const source = read(file).split("\n");
      // A function's name stands some lines above the value.
      const at = source.map((line, i) => (line.includes(name) ? i : -1)).filter((i) => i >= 0);
      return !at.some((i) => holds(source.slice(i, i + 12).join("\n"), name, value));
    });
    assert.deepEqual(
      wrong.map(([name, value]) => `${name} ${value}`),
      [],
    );
    assert.ok(constants.length > 50, String(constants.length));
  });
});

/** True if the lines have each number of a value. For a constant in capitals, only its own line counts. */
function holds(lines: string, name: string, value: string): boolean {
  const text = /^[A-Z_]+$/.test(name) ? lines.split("\n")[0]! : lines;
  const parts = /[a-zA-Z*/]/.test(value) ? [value] : value.split(", ");
  return parts.every((part) =>
    new RegExp(`(?<![\\d.])${part.replaceAll(/[.*+()]/g, "\\$&")}(?![\\d_.]*\\d| \\*)`).test(text),
  );
}

describe("queue/README.md", () => {
  const events = rows("queue/README.md").filter((cells) => cells.length === 5 && /^`[a-z]+`$/.test(cells[0]!));

  it("has each event that changes the state of a batch, as in state.lua", () => {
    const moves = [...read("queue/scripts/includes/state.lua").matchAll(/^ {2}(\w+) += \{ (.*) \},$/gm)];
    const told = events
      .filter(([event]) => event !== "`undo`")
      .map(([event, , from, to]) => [event!, from!, to!].map(code));
    const found = moves.map(([, event, table]) => {
      const pairs = [...table!.matchAll(/(\w+) = '(\w+)'/g)];
      return [event, pairs.map(([, from]) => from).join(", "), pairs[0]![2]];
    });
    assert.deepEqual(found, told);
  });

  it("has the scripts that include state.lua", () => {
    const includes = (file: string): boolean =>
      [...read(file).matchAll(/@include "([\w-]+)"/g)].some(
        ([, part]) => part === "state" || includes(`queue/scripts/includes/${part}.lua`),
      );
    const scripts = globSync("queue/scripts/*.lua", { cwd: root }).filter(includes);
    const named = new Set(events.flatMap(([, , , , names]) => names!.split(", ")));
    assert.deepEqual(scripts.map((file) => file.split("/").at(-1)).sort(), [...named, "renew.lua"].sort());
  });
});

describe("docs/queue/failures.md", () => {
  it("names tests that exist", () => {
    const named = [...read("docs/queue/failures.md").matchAll(/`((?:unit|integration|e2e)\/[\w/]+)`/g)].map(
      (m) => m[1]!,
    );
    assert.deepEqual(
      named.filter((test) => !existsSync(join(root, "test", `${test}.test.ts`))),
      [],
    );
    assert.ok(named.length > 15, String(named.length));
  });
});
