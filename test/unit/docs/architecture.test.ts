import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
/** `from "../x.ts"`, `import "../x.ts"`, `import("../x.ts")`. */
const IMPORT = /(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+\.m?ts|\.{1,2}\/[^"]+\.mjs)"/g;
/** Files outside of the product: checks, measurements, and the programs that write pages of docs/. */
const ASIDE = /^(test|bench|docs|examples)\/|\.config\.|^build\.mjs$/;

/** Folders inside of a layer: each imports only those to its right. */
const INNER: Record<string, string[]> = {
  queue: ["consumer", "seeder", "admin", "redis"],
  local: ["dev", "images", "plugins", "node", "host"],
};

interface Row {
  name: string;
  imports: string[];
}

/** The rows of the table of layers: a file or a folder, and what it imports. */
function documentedRows(): Row[] {
  const section = read("docs/architecture.md").split("## Layers")[1]!.split("\n## ")[0]!;
  const names = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
  return [...section.matchAll(/^\| (`[^|]+`) +\|([^|]*)\|/gm)].map(([, name, imports]) => ({
    name: names(name!)[0]!,
    imports: names(imports!),
  }));
}

describe("docs/architecture.md", () => {
  const rows = documentedRows();
  /** The row of a file. If several match, that with the longest name. */
  const rowOf = (file: string) =>
    rows
      .filter(({ name }) => file === name || (name.endsWith("/") && file.startsWith(name)))
      .sort((a, b) => b.name.length - a.name.length)[0]?.name;

  it("has the imports of the sources, row by row", function () {
    const found = new Map<string, Set<string>>(rows.map(({ name }) => [name, new Set()]));
    const files = sources();
    if (files.length === 0) this.skip(); // a packed copy has no list of files
    for (const file of files) {
      const from = rowOf(file);
      assert.ok(from, `${file} is in no row of the table "Layers" of docs/architecture.md`);
      for (const [, target] of read(file).matchAll(IMPORT)) {
        const to = rowOf(join(dirname(file), target!));
        assert.ok(to, `${file} imports ${target}, which is in no row of the table "Layers" of docs/architecture.md`);
        if (to !== from) found.get(from)!.add(to);
      }
    }
    const table = (imports: (name: string) => Iterable<string>) =>
      Object.fromEntries(rows.map(({ name }) => [name, [...imports(name)].sort()]));
    const documented = new Map(rows.map(({ name, imports }) => [name, imports]));
    assert.deepEqual(
      table((name) => documented.get(name)!),
      table((name) => found.get(name)!),
    );
  });

  it("has every arrow down", () => {
    const order = rows.map(({ name }) => name);
    const up = rows.flatMap(({ name, imports }) =>
      imports.filter((to) => order.indexOf(to) <= order.indexOf(name)).map((to) => `${name} → ${to}`),
    );
    assert.deepEqual(up, []);
    assert.ok(rows.length >= 10, String(rows.length));
  });

  for (const [layer, folders] of Object.entries(INNER))
    it(`has every arrow down inside of ${layer}/`, () => {
      const place = (file: string) => folders.indexOf(file.split("/")[1]!);
      const up = sources()
        .filter((file) => file.startsWith(`${layer}/`) && place(file) >= 0)
        .flatMap((file) =>
          [...read(file).matchAll(IMPORT)]
            .map(([, target]) => join(dirname(file), target!))
            .filter((target) => target.startsWith(`${layer}/`) && place(target) >= 0 && place(target) < place(file))
            .map((target) => `${file} → ${target}`),
        );
      assert.deepEqual(up, []);
    });
});

/** Sources of the product that Git knows. */
function sources(): string[] {
  try {
    const text = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text
      .split("\0")
      .filter((file) => /\.(ts|mts|mjs)$/.test(file) && !file.endsWith(".d.mts") && !ASIDE.test(file));
  } catch {
    return [];
  }
}
