// `npm run pause`: items in hand finish, none starts.
import { command, main, type Where } from "./command.ts";
import { withQueue } from "./queue.ts";
import { count } from "./text.ts";

const program = command({
  name: "pause",
  description:
    "Items in hand finish, none starts, until `npm run resume`. Nothing is lost or run twice; `up` goes on waiting.",
  examples: [["npm run pause", "now"]],
  exits: { 0: "paused" },
}).action(async (options: Where) => {
  await withQueue(options, async ({ admin }) => {
    await admin.pause();
    const { running, waiting, delayed } = await admin.counts();
    console.log(
      `Paused: ${count(running, "item")} in hand will finish, ${count(waiting + delayed, "item")} wait for \`npm run resume\`.`,
    );
  });
});
await main(program);
