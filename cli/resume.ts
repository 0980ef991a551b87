// `npm run resume`: takes back a pause, or reopens an aborted batch.
import { command, main, type Where } from "./command.ts";
import { withQueue } from "./queue.ts";
import { count } from "./text.ts";

const program = command({
  name: "resume",
  description: "Takes back `npm run pause`. Also reopens an aborted batch for workers that are still there.",
  examples: [["npm run resume", "now"]],
  exits: { 0: "resumed" },
}).action(async (options: Where) => {
  await withQueue(options, async ({ admin }) => {
    await admin.resume();
    const { waiting, delayed } = await admin.counts();
    console.log(`Resumed: ${count(waiting + delayed, "item")} left to start.`);
  });
});
await main(program);
