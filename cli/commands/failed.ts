// `wq failed`: the failed items, grouped by reason.
import { jsonLine } from "../../config/foreignText.ts";
import { queueCommand, type QueueOptions } from "../command.ts";
import { EXIT_FAILED, EXIT_OK } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { withBatch } from "../stack/openQueue.ts";
import { type FailureGroup, FailureGroups, namelessReason } from "../view/failureGroups.ts";
import { displayName, oneLine, pluralize } from "../view/format.ts";
import { resultRow } from "../../queue/index.ts";

const MAX_WIDTH = 200;

function print({ reason, count, example }: FailureGroup): void {
  const { pod } = example.attempts.at(-1) ?? {};
  const facts = [displayName(example.payload), pluralize(example.attempts.length, "attempt")];
  if (pod) facts.push(`last in pod ${oneLine(pod)}`);
  // If numbers differ within the group, the reason of one item is shown.
  const words = namelessReason(example) === reason ? "" : `: ${oneLine(resultRow(example).reason ?? "", MAX_WIDTH)}`;
  console.log(`${pluralize(count, "item")}: ${oneLine(reason, MAX_WIDTH)}`);
  console.log(`  e.g. ${facts.join(", ")}${words}`);
}

export default queueCommand({
  name: "failed",
  description: "Shows the items that failed for good, grouped by reason, with one example of each.",
  examples: [
    ["failed", "the groups, the biggest first"],
    ["failed --json", "one line of JSON per group"],
  ],
  exitCodes: { [EXIT_OK]: "nothing failed", [EXIT_FAILED]: "items failed" },
})
  .option("--json", "one line of JSON per group")
  .action(async ({ json, ...options }: QueueOptions & { json?: boolean }) => {
    await withBatch(options, async ({ admin }, { state, reason: why = "no reason given" }) => {
      const groups = new FailureGroups();
      for await (const record of admin.dead()) groups.add(record);
      const sorted = groups.sorted();
      process.exitCode = sorted.length > 0 ? EXIT_FAILED : EXIT_OK;
      for (const group of sorted) {
        const { reason, count, example } = group;
        if (json) console.log(jsonLine({ reason, count, example: resultRow(example) }));
        else print(group);
      }
      if (json) return;
      const advice = `One item's log: ${wq("logs ITEM")}. Again: ${wq("retry")}.`;
      const nothing =
        state === "aborted" ? `The batch was aborted: ${oneLine(why)}. Again: ${wq("retry")}.` : "Nothing failed.";
      console.log(sorted.length > 0 ? advice : nothing);
    });
  });
