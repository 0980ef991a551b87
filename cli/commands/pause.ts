// `npm run pause`: items in hand finish, none starts.
import { stateText } from "../view/progressBar.ts";
import { command, main, type QueueOptions } from "../command.ts";
import { withQueue } from "../stack/openQueue.ts";
import { pluralize } from "../view/format.ts";

const program = command({
  name: "pause",
  description:
    "Items in hand finish, none starts, until `npm run resume`. Nothing is lost or run twice; `up` goes on waiting.",
  examples: [["npm run pause", "now"]],
  exitCodes: { 0: "paused, or there was nothing to pause" },
}).action(async (options: QueueOptions) => {
  await withQueue(options, async ({ admin }) => {
    await admin.pause();
    const counts = await admin.counts();
    if (counts.state === "finished") {
      console.log(`Nothing to pause: ${stateText(counts)}.`);
      return;
    }
    const left = pluralize(counts.waiting + counts.delayed, "item");
    console.log(
      `Paused: ${pluralize(counts.running, "item")} in hand will finish, ${left} wait for \`npm run resume\`.`,
    );
  });
});
await main(program);
