// Workflows run nothing that its owner can replace unseen, and have only rights that they list.
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const root = join(import.meta.dirname, "../..");
interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}
interface Workflow {
  permissions?: Record<string, string>;
  jobs: Record<string, { permissions?: Record<string, string>; steps: Step[] }>;
}

describe("a workflow", () => {
  for (const file of globSync(".github/workflows/*.yml", { cwd: root })) {
    const text = readFileSync(join(root, file), "utf8");
    const { permissions, jobs } = parse(text) as Workflow;
    const steps = Object.values(jobs).flatMap((job) => job.steps);

    it(`names actions by their commits, with the version beside it: ${file}`, () => {
      for (const [, reference] of text.matchAll(/uses: (.*)$/gm))
        assert.match(reference!, /^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
    });

    it(`may only read, and leaves no token in the checkout: ${file}`, () => {
      assert.deepEqual(permissions, { contents: "read" });
      for (const { uses, with: options } of steps)
        if (uses?.startsWith("actions/checkout@")) assert.equal(options?.["persist-credentials"], false);
    });

    it(`runs no test with more rights than reading: ${file}`, () => {
      for (const { permissions = {}, steps } of Object.values(jobs))
        if (Object.values(permissions).includes("write"))
          for (const { run } of steps) assert.doesNotMatch(run ?? "", /\bnpm (test|run (test|lint))/);
    });

    it(`publishes what was compiled, since npm runs no script by itself here: ${file}`, () => {
      const runs = steps.map(({ run }) => run ?? "");
      for (const [at, run] of runs.entries())
        if (run.includes("npm publish")) assert.deepEqual([runs[at - 1], /\.tgz /.test(run)], ["npm run pack", true]);
    });

    it(`runs no text of a foreign commit or issue: ${file}`, () => {
      for (const { run } of steps) assert.doesNotMatch(run ?? "", /\$\{\{/);
    });
  }
});
