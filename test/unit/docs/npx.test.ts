// Commands that a person copies. Nobody owns the name `wq` at the registry. If `wq` is not installed, `npx wq` runs
// whatever somebody has published under that name.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");
const files = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" })
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(root, file)));
const read = (file: string) => readFileSync(join(root, file), "utf8");
/** Lines of these files that match a pattern. */
const linesWith = (pattern: RegExp, of: RegExp) =>
  files
    .filter((file) => of.test(file))
    .flatMap((file) =>
      read(file)
        .split("\n")
        .filter((line) => pattern.test(line))
        .map((line) => `${file}: ${line}`),
    );
/** `npx NAME` in a sentence or a command line, and `"npx", ["NAME"` in code. */
const FETCHES = /\bnpx(?: |", \[")(?!--no\b)(?:-\S+ )*["']?(?:wq|job-wq-2)\b/;

describe("texts, messages and code", () => {
  it("never make npx fetch a package", () => {
    const found = files.filter((file) => join(root, file) !== import.meta.filename && FETCHES.test(read(file)));
    assert.deepEqual(found, []);
  });

  it("let npm fetch no package of this name, which is not published yet", () => {
    const manifests = files.filter((file) => /^(examples|plugin)\/.*package\.json$/.test(file));
    assert.ok(manifests.length > 5);
    const naming = manifests.filter((file) => "job-wq-2" in (JSON.parse(read(file)).dependencies ?? {}));
    assert.deepEqual(naming, []);
  });

  it("put no program into a folder that others can write, and no secret on a command line", () => {
    assert.deepEqual(linesWith(/^( {4}|[a-z]).*\s\/tmp\b/, /\.md$/), []);
    assert.deepEqual(linesWith(/config set --secret (--path )?[\w.]+ [^&\s]/, /\.(md|ya?ml)$/), []);
  });
});
