// `npm run failed`: what failed for good, grouped by reason.
import { command, main, type QueueOptions } from "../command.ts";
import { withBatch } from "../stack/openQueue.ts";
import { FailureGroups } from "../view/failureGroups.ts";
import { resultRow } from "../view/resultRow.ts";
import { pluralize, displayName, oneLine } from "../view/format.ts";

const program = command({
  name: "failed",
  description: "What failed for good, grouped by reason, with an example each.",
  examples: [
    ["npm run failed", "the groups, the biggest first"],
    ["npm run -s failed -- --json", "a line of JSON a group"],
  ],
  exitCodes: { 0: "nothing failed", 1: "items failed" },
})
  .option("--json", "a line of JSON for each group")
  .action(async (options: QueueOptions & { json?: boolean }) => {
    await withBatch(options, async ({ admin }) => {
      const reasons = new FailureGroups();
      let failed = 0;
      for await (const record of admin.dead()) {
        reasons.add(record);
        failed++;
      }
      process.exitCode = failed > 0 ? 1 : 0;
      for (const { reason, count: items, example } of reasons.sorted()) {
        if (options.json) {
          console.log(JSON.stringify({ reason, count: items, example: resultRow(example) }));
          continue;
        }
        const pod = example.attempts.at(-1)?.pod;
        console.log(`${pluralize(items, "item")}: ${oneLine(reason, 200)}`);
        console.log(
          `  e.g. ${displayName(example.payload)}, ${pluralize(example.attempts.length, "attempt")}${pod ? `, last in pod ${oneLine(pod)}` : ""}`,
        );
      }
      if (options.json) return;
      console.log(failed === 0 ? "Nothing failed." : "One item's log: npm run logs -- ITEM. Again: npm run retry.");
    });
  });
await main(program);
