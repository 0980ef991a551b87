// `npm run resume`: takes back a pause, or reopens an aborted batch.
import { stateText } from "../view/progressBar.ts";
import { command, main, type QueueOptions } from "../command.ts";
import { withQueue } from "../stack/openQueue.ts";
import { pluralize } from "../view/format.ts";

const program = command({
  name: "resume",
  description: "Takes back `npm run pause`. Also reopens an aborted batch for workers that are still there.",
  examples: [["npm run resume", "now"]],
  exitCodes: { 0: "resumed, or there was nothing to resume" },
}).action(async (options: QueueOptions) => {
  await withQueue(options, async ({ admin }) => {
    await admin.resume();
    const counts = await admin.counts();
    const over = counts.state === "finished";
    console.log(
      over
        ? `Nothing to resume: ${stateText(counts)}.`
        : `Resumed: ${pluralize(counts.waiting + counts.delayed, "item")} left to start.`,
    );
  });
});
await main(program);
