import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..", "..");
const readme = readFileSync(join(root, "README.md"), "utf8");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, Record<string, string>>;

describe("the README", () => {
  it("names what each dependency is for", () => {
    const named = new Set([...readme.matchAll(/`(@?[\w/.-]+)`/g)].map((match) => match[1]!));
    const packages = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    const missing = packages.filter(
      (name) => !named.has(name) && !name.startsWith("@types/") && !name.startsWith("eslint") && name !== "@eslint/js",
    );
    assert.deepEqual(missing, []);
  });

  it("has links and commands that lead somewhere", () => {
    for (const [, target] of readme.matchAll(/\]\((?!http|#)([^)#]+)/g))
      assert.ok(existsSync(join(root, target!)), target);
    for (const [, script] of readme.matchAll(/npm run (?:-s )?([\w:]+)/g))
      assert.ok(manifest.scripts![script!], `npm run ${script}`);
  });
});
