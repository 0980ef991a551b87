// `wq resume`: takes back a pause, or reopens an aborted batch.
import { jsonLine } from "../../config/foreignText.ts";
import { queueCommand, type QueueOptions } from "../command.ts";
import { EXIT_OK } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { withQueue } from "../stack/openQueue.ts";
import { pluralize } from "../view/format.ts";
import { stateText } from "../view/progressBar.ts";

export default queueCommand({
  name: "resume",
  description: `Takes back \`${wq("pause")}\`. Also reopens an aborted batch for workers that are still there.`,
  examples: [["resume", "now"]],
  exitCodes: { [EXIT_OK]: "resumed, or there was nothing to resume" },
})
  .option("--json", "one line of JSON")
  .action(async ({ json, ...options }: QueueOptions & { json?: boolean }) => {
    await withQueue(options, async ({ admin, queue }) => {
      await admin.resume();
      const counts = await admin.counts();
      const { state, running, waiting, delayed } = counts;
      if (json) console.log(jsonLine({ queue, state, running, waiting, delayed }));
      else if (state === "finished") console.log(`Nothing to resume: ${stateText(counts)}.`);
      else console.log(`Resumed: ${pluralize(waiting + delayed, "item")} left to start.`);
    });
  });
