import { writeFileSync } from "node:fs";
import Mocha from "mocha";

/** Report of a run of mocha, for test/run.ts. */
export interface Outcome {
  passes: number;
  failures: number;
  /** Tests in all, also those that were skipped. */
  tests: number;
  /** Full titles and errors of what failed. */
  failed: { title: string; error: string }[];
}

/** Mocha's own spec output, and the outcome as JSON in the file that `TEST_OUTCOME` names. */
export default class OutcomeReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const failed: Outcome["failed"] = [];
    runner.on("fail", (test, error: Error) => failed.push({ title: test.fullTitle(), error: error.message }));
    runner.once("end", () => {
      const { passes, failures, pending } = runner.stats!;
      const tests = passes + failures + pending;
      const file = process.env.TEST_OUTCOME;
      if (file) writeFileSync(file, JSON.stringify({ passes, failures, tests, failed } satisfies Outcome));
    });
  }
}
