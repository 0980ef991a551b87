// `npm run resume`: takes back a pause, or reopens an aborted batch.
import { stateText } from "../view/progressBar.ts";
import { command, main, type Where } from "../command.ts";
import { withQueue } from "../stack/openQueue.ts";
import { count } from "../view/format.ts";

const program = command({
  name: "resume",
  description: "Takes back `npm run pause`. Also reopens an aborted batch for workers that are still there.",
  examples: [["npm run resume", "now"]],
  exits: { 0: "resumed, or there was nothing to resume" },
}).action(async (options: Where) => {
  await withQueue(options, async ({ admin }) => {
    await admin.resume();
    const counts = await admin.counts();
    const over = counts.state === "finished";
    console.log(
      over
        ? `Nothing to resume: ${stateText(counts)}.`
        : `Resumed: ${count(counts.waiting + counts.delayed, "item")} left to start.`,
    );
  });
});
await main(program);
