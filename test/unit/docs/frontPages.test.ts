import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");
const read = (page: string) => readFileSync(join(root, page), "utf8");
const pages = ["README.md", "CONTRIBUTING.md"];
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, Record<string, string>>;

describe("CONTRIBUTING.md", () => {
  const page = read("CONTRIBUTING.md");

  it("says the purpose of each dependency", () => {
    const named = new Set([...page.matchAll(/`(@?[\w/.-]+)`/g)].map((match) => match[1]!));
    const packages = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    const missing = packages.filter(
      (name) => !named.has(name) && !name.startsWith("@types/") && !name.startsWith("eslint") && name !== "@eslint/js",
    );
    assert.deepEqual(missing, []);
  });

  it("names files that exist", () => {
    const paths = [...page.matchAll(/`((?:[\w.-]+\/)+[\w.-]*)`/g)].map((match) => match[1]!);
    const missing = paths.filter(
      (path) => !existsSync(join(root, path)) && !existsSync(join(root, "test", `${path}.test.ts`)),
    );
    const packages = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    assert.deepEqual(
      missing.filter((path) => !packages.includes(path)),
      [],
    );
    assert.ok(paths.length > 40, String(paths.length));
  });

  it("names functions that their files have", () => {
    const named = [...page.matchAll(/`(\w+)` in\s+`([\w./-]+)`/g)].map(([, name, path]) => ({
      name: name!,
      path: path!,
    }));
    const missing = named.filter(({ name, path }) => !new RegExp(`\\b${name}\\b`).test(read(path)));
    assert.deepEqual(missing, []);
    assert.ok(named.length >= 5, String(named.length));
  });

  it("knows every script of the package", () => {
    const hooks = ["prepack"];
    const unknown = Object.keys(manifest.scripts!).filter(
      (name) => !hooks.includes(name) && !new RegExp(`npm (?:run )?${name}\\b|\`${name}\``).test(page),
    );
    assert.deepEqual(unknown, []);
  });

  it("has at most 25 concepts", () => {
    const rows = page
      .split("## Concepts")[1]!
      .split("\n## ")[0]!
      .match(/^\| [a-z]+ /gm)!;
    assert.ok(rows.length > 10 && rows.length - 1 <= 25, String(rows.length - 1));
  });
});

describe("the README", () => {
  it("fits on 120 lines", () => {
    const { length } = read("README.md").trimEnd().split("\n");
    assert.ok(length <= 120, String(length));
  });
});

for (const name of pages)
  describe(`links and commands of ${name}`, () => {
    it("lead somewhere", () => {
      for (const [, target] of read(name).matchAll(/\]\((?!http|#)([^)#]+)/g))
        assert.ok(existsSync(join(root, target!)), target);
      for (const [, script] of read(name).matchAll(/npm run (?:-s )?([\w:]+)/g))
        assert.ok(manifest.scripts![script!], `npm run ${script}`);
    });
  });
