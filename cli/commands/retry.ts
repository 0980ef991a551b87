// `wq retry`: the failed items again.
import { jsonLine } from "../../config/foreignText.ts";
import type { QueueAdmin } from "../../queue/index.ts";
import { queueCommand, type QueueOptions } from "../command.ts";
import { UserError } from "../errors.ts";
import { EXIT_FAILED, EXIT_OK } from "../exitCodes.ts";
import { openCluster } from "../stack/openCluster.ts";
import { openBatch, openQueue, type OpenQueue } from "../stack/openQueue.ts";
import { showPulumi } from "../stack/pulumi.ts";
import { type FoundBatch, readBatch } from "../stack/readStack.ts";
import { oneLine, pluralize, textOf } from "../view/format.ts";

interface RetryOptions extends QueueOptions {
  match?: string;
  json?: boolean;
}

/** Ids of the failed items whose text or reason has this in it. */
async function matching(admin: QueueAdmin, match: string): Promise<number[]> {
  const ids: number[] = [];
  for await (const { id, payload, reason } of admin.dead()) {
    if (`${textOf(payload) ?? ""}\n${reason ?? ""}`.includes(match)) ids.push(id);
  }
  return ids;
}

/**
 * Puts failed items back.
 * @returns Their number, that of all items that now wait, and whether the batch was not over before.
 */
async function requeue({ admin, close }: OpenQueue, match: string | undefined) {
  try {
    const { state } = await admin.counts();
    const requeued = await admin.requeueDead(match === undefined ? undefined : await matching(admin, match));
    const { waiting, delayed } = await admin.counts();
    return { requeued, left: waiting + delayed, wasOpen: state === "open" || state === "paused" };
  } finally {
    close();
  }
}

/** Whether the batch's workers are still at it: they take what was put back. */
async function workersRun({ batch, location }: FoundBatch): Promise<boolean> {
  const cluster = await openCluster(batch.cluster, batch.namespace, location);
  const job = await cluster.job(batch.workerJob!).catch(() => undefined);
  return job !== undefined && job.ended === undefined;
}

/** Starts the workers anew, and waits for the end as `pulumi up` does. @returns Whether it succeeded. */
async function startWorkers({ batch, location }: FoundBatch, json: boolean): Promise<boolean> {
  const args = ["up", "--yes", "--skip-preview", "--replace", batch.workerUrn!];
  return (await showPulumi(location, args, json ? 2 : 1)) === 0;
}

export default queueCommand({
  name: "retry",
  description:
    "Runs the failed items again, all or those that match, and waits for the end as `pulumi up` does. What is done stays done.",
  examples: [
    ["retry", "all that failed"],
    ["retry --match timeout", "those whose reason or text has `timeout` in it"],
    ["retry --redis redis://127.0.0.1:6379", "puts them back, and leaves the workers to you"],
  ],
  exitCodes: { [EXIT_OK]: "`up` succeeded, or there was nothing to do", [EXIT_FAILED]: "`up` failed" },
})
  .option("-m, --match <text>", "only items whose text or reason has this in it")
  .option("--json", "one line of JSON; what `up` says goes to standard error")
  .action(async ({ match, json = false, ...options }: RetryOptions) => {
    const found = options.redis === undefined ? await readBatch(options) : undefined;
    if (found && found.batch.workerUrn === undefined)
      throw new UserError("the batch has no workers: run `pulumi up` with `workers` true");
    const queue = found ? await openBatch(found, options.queue) : await openQueue(options);
    const { requeued, left, wasOpen } = await requeue(queue, match);
    const say = (text: string) => json || console.log(text);
    const items = pluralize(requeued || left, "item");
    let succeeded: boolean | null = null;
    // What an earlier retry put back, and whose `up` then failed to start workers, still waits.
    if (left === 0 && requeued === 0)
      say(match === undefined ? "Nothing failed." : `No failed item matches ${oneLine(match)}.`);
    else if (!found) say(`Put ${items} back, for the workers that are there.`);
    else if (wasOpen && (await workersRun(found))) say(`Put ${items} back: the workers that run take them.`);
    else {
      say(`Running ${items} again.`);
      succeeded = await startWorkers(found, json);
      process.exitCode = succeeded ? EXIT_OK : EXIT_FAILED;
    }
    if (json) console.log(jsonLine({ queue: queue.queue, requeued, succeeded }));
  });
