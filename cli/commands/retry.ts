// `wq retry`: the failed items again.
import { jsonLine } from "../../config/foreignText.ts";
import { type Counts, itemText, type QueueAdmin } from "../../queue/index.ts";
import { queueCommand, type QueueOptions } from "../command.ts";
import { UserError } from "../errors.ts";
import { EXIT_FAILED, EXIT_OK } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { openBatch, openQueue, type OpenQueue } from "../stack/openQueue.ts";
import type { FoundBatch } from "../stack/readStack.ts";
import { batchWithWorkers, changeForWorkers, startWorkers } from "../stack/workers.ts";
import { formatNumber, oneLine, pluralize } from "../view/format.ts";

interface RetryOptions extends QueueOptions {
  match?: string;
  json?: boolean;
}

/** Ids of the failed items whose text or reason contains this. */
async function matching(admin: QueueAdmin, match: string): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id, payload, reason } of admin.dead()) {
    if (`${itemText(payload)}\n${reason ?? ""}`.includes(match)) ids.push(id);
  }
  return ids;
}

/** Puts failed items back, and reopens an aborted batch; undefined if there is nothing to do. */
async function requeue(
  { admin, queue, ensureOwn, close }: OpenQueue,
  found: FoundBatch | undefined,
  match: string | undefined,
) {
  try {
    await ensureOwn();
    const ids = match === undefined ? undefined : await matching(admin, match);
    if (ids?.length === 0 || (ids === undefined && needsNothing(await admin.counts()))) return undefined;
    return await changeForWorkers({ admin, queue }, found, () => admin.retry(ids));
  } finally {
    close();
  }
}

const needsNothing = ({ state, dead, total }: Counts) => total === 0 || (state === "finished" && dead === 0);

/** Says what new workers will do. Items of an earlier retry wait too, if its workers never came. */
function announce(requeued: number, left: number): string {
  const rest = left - requeued;
  if (requeued === 0) return `Nothing failed: going on with ${pluralize(rest, "item")} left.`;
  return `Running ${pluralize(requeued, "item")} again${rest > 0 ? `, and ${formatNumber(rest)} that are left` : ""}.`;
}

export default queueCommand({
  name: "retry",
  description:
    "Runs the failed items again, all or those that match, reopens an aborted batch, and waits for the end as `pulumi up` does. What is done stays done.",
  examples: [
    ["retry", "all that failed"],
    ["retry --match timeout", "items whose reason or text contains `timeout`"],
    ["retry --redis redis://127.0.0.1:6379", "puts them back, and leaves the workers to you"],
  ],
  exitCodes: { [EXIT_OK]: "`up` succeeded, or there was nothing to do", [EXIT_FAILED]: "`up` failed" },
})
  .option("-m, --match <text>", "only items whose text or reason contains this")
  .option("--json", "one line of JSON; what `up` says goes to standard error")
  .action(async ({ match, json = false, ...options }: RetryOptions) => {
    if (match === "") throw new UserError("--match needs a text; without it, all that failed run again");
    const found = options.redis === undefined ? await batchWithWorkers(options) : undefined;
    const queue = found ? await openBatch(found, options.queue) : await openQueue(options);
    const done = await requeue(queue, found, match);
    const say = (text: string) => json || console.log(text);
    let succeeded: boolean | null = null;
    if (!done) say(match === undefined ? "Nothing failed." : `No failed item matches ${oneLine(match)}.`);
    else {
      const { changed: requeued, after, takers } = done;
      const left = after.waiting + after.delayed;
      if (takers !== undefined) {
        const them = requeued > 0 ? "them" : `the ${pluralize(left, "item")} left`;
        say(`${requeued > 0 ? `Put ${pluralize(requeued, "item")} back` : "Nothing failed"}: ${takers} take ${them}.`);
      } else {
        say(announce(requeued, left));
        succeeded = await startWorkers(found!, json ? 2 : 1);
        if (succeeded === null) say(`\`up\` does not wait (\`wait\`): ${wq("status --watch")}`);
        process.exitCode = succeeded === false ? EXIT_FAILED : EXIT_OK;
      }
    }
    if (json) console.log(jsonLine({ queue: queue.queue, requeued: done?.changed ?? 0, succeeded }));
  });
