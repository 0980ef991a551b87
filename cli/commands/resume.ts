// `wq resume`: ends a pause, or reopens an aborted batch, and starts workers if none are left.
import { jsonLine } from "../../config/foreignText.ts";
import { queueCommand, type QueueOptions } from "../command.ts";
import { EXIT_FAILED, EXIT_OK } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { openBatch, openQueue, type OpenQueue } from "../stack/openQueue.ts";
import { type FoundBatch, readBatch } from "../stack/readStack.ts";
import { changeForWorkers, startWorkers } from "../stack/workers.ts";
import { pluralize } from "../view/format.ts";
import { stateText } from "../view/progressBar.ts";

/** Resumes. If the batch is finished, there is nothing to do. */
async function resume({ admin, queue, ensureOwn, close }: OpenQueue, found: FoundBatch | undefined) {
  try {
    await ensureOwn();
    const counts = await admin.counts();
    if (counts.state === "finished") return { after: counts, takers: "" };
    return await changeForWorkers({ admin, queue }, found, () => admin.resume());
  } finally {
    close();
  }
}

export default queueCommand({
  name: "resume",
  description: `Ends a pause (\`${wq("pause")}\`), or reopens an aborted batch; its failed items stay failed. Starts workers if none are left, and waits for the end as \`pulumi up\` does.`,
  examples: [["resume", "now"]],
  exitCodes: { [EXIT_OK]: "resumed, or there was nothing to resume", [EXIT_FAILED]: "`up` failed" },
})
  .option("--json", "one line of JSON; what `up` says goes to standard error")
  .action(async ({ json, ...options }: QueueOptions & { json?: boolean }) => {
    const found = options.redis === undefined ? await readBatch(options) : undefined;
    const queue = found ? await openBatch(found, options.queue) : await openQueue(options);
    const { after, takers } = await resume(queue, found);
    const { state, running, waiting, delayed } = after;
    const say = (text: string) => json || console.log(text);
    let succeeded: boolean | null = null;
    if (state === "finished") say(`Nothing to resume: ${stateText(after)}.`);
    else {
      const left = pluralize(waiting + delayed, "item");
      say(
        `Resumed: ${takers === undefined ? `${left} left to start, by new workers` : `${takers} take the ${left} left`}.`,
      );
      if (takers === undefined) succeeded = await startWorkers(found!, json ? 2 : 1);
      if (succeeded === false) process.exitCode = EXIT_FAILED;
    }
    if (json) console.log(jsonLine({ queue: queue.queue, state, running, waiting, delayed, succeeded }));
  });
