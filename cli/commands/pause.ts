// `wq pause`: items in flight finish, none starts.
import { jsonLine } from "../../config/foreignText.ts";
import { isOver } from "../../queue/index.ts";
import { queueCommand, type QueueOptions } from "../command.ts";
import { EXIT_OK } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { withQueue } from "../stack/openQueue.ts";
import { pluralize } from "../view/format.ts";
import { stateText } from "../view/progressBar.ts";

export default queueCommand({
  name: "pause",
  description: `Lets items in flight finish and starts no more, until \`${wq("resume")}\`. Nothing is lost or run twice; \`up\` goes on waiting.`,
  examples: [["pause", "now"]],
  exitCodes: { [EXIT_OK]: "paused, or there was nothing to pause" },
})
  .option("--json", "one line of JSON")
  .action(async ({ json, ...options }: QueueOptions & { json?: boolean }) => {
    await withQueue(options, async ({ admin, queue, ensureOwn }) => {
      await ensureOwn();
      await admin.pause();
      const counts = await admin.counts();
      const { state, running, waiting, delayed } = counts;
      if (json) console.log(jsonLine({ queue, state, running, waiting, delayed }));
      else if (isOver(counts)) console.log(`Nothing to pause: ${stateText(counts)}.`);
      else {
        const left = waiting + delayed;
        const wait = left === 1 ? "waits" : "wait";
        console.log(
          `Paused: ${pluralize(running, "item")} in flight will finish, ${pluralize(left, "item")} ${wait} for \`${wq("resume")}\`.`,
        );
      }
    });
  });
