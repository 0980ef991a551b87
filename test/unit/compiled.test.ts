// Compiled files must find each other. An import that keeps its `.ts` finds nothing below node_modules.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const root = join(import.meta.dirname, "../..");

describe("a source that the package compiles", () => {
  for (const folder of ["bundle", "cli", "components", "config", "kube", "queue", "seed", "supervisor", "worker"]) {
    it(`imports what was compiled: ${folder}/`, () => {
      const files = globSync(`${folder}/**/*.ts`, { cwd: root });
      assert.ok(files.length > 0);
      for (const file of files) {
        const { outputText } = ts.transpileModule(readFileSync(join(root, file), "utf8"), {
          compilerOptions: {
            target: ts.ScriptTarget.ES2024,
            module: ts.ModuleKind.ESNext,
            rewriteRelativeImportExtensions: true,
          },
        });
        // TypeScript 6 leaves a dynamic import within an `export default` expression as it is.
        assert.doesNotMatch(outputText, /\bimport\("\.[^"]*\.ts"\)/, file);
      }
    });
  }
});
