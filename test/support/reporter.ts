import { writeFileSync } from "node:fs";
import Mocha from "mocha";

/** Mocha's own spec output, and at the end the counts in the file that `TEST_COUNTS` names, for test/run.ts to add up. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures, pending } = runner.stats!;
      const file = process.env.TEST_COUNTS;
      if (file) writeFileSync(file, JSON.stringify({ passes, failures, pending }));
    });
  }
}
