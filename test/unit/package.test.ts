import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, Record<string, string>>;

describe("the package", () => {
  it("depends on every package that its sources import", () => {
    const files = globSync("{bundle,cli,components,config,kube,queue,seed,supervisor,worker}/**/*.{ts,mjs}", {
      cwd: root,
    });
    assert.ok(files.length > 200, String(files.length));
    const installed = { ...manifest.dependencies, ...manifest.peerDependencies };
    const missing = files.flatMap((file) =>
      [
        ...readFileSync(join(root, file), "utf8").matchAll(
          /^(?:.*\bfrom|import) "((?:@[\w-]+\/)?[\w-]+)|\bimport\("((?:@[\w-]+\/)?[\w-]+)/gm,
        ),
      ]
        .map(([, name, late]) => (name ?? late)!)
        .filter((name) => name !== "node" && !(name in installed))
        .map((name) => `${file}: ${name}`),
    );
    assert.deepEqual(missing, []);
  });
});
