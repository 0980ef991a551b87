// The workers of a batch: a check that they still run, and the start of new ones.
import { type Counts, isOver } from "../../queue/index.ts";
import { UserError } from "../errors.ts";
import { wq } from "../invocation.ts";
import { openCluster } from "./openCluster.ts";
import { foreign, isForeign, openBatch, type OpenQueue } from "./openQueue.ts";
import { refuseOtherChanges } from "./unseenChanges.ts";
import { showPulumi } from "./pulumi.ts";
import { type FoundBatch, readBatch } from "./readStack.ts";

/** The batch that the options name. @throws UserError if it has no workers. */
export async function batchWithWorkers(options: { stack?: string; batch?: string }): Promise<FoundBatch> {
  const found = await readBatch(options);
  if (found.batch.workerJob === undefined)
    throw new UserError("the batch has no workers: run `pulumi up` with `workers` true");
  return found;
}

/**
 * Changes the number of worker pods.
 * @returns The Job, and the number before.
 * @throws UserError if there is no such Job, it is another stack's, or it has ended.
 */
export async function scaleWorkers(
  { batch, location }: FoundBatch,
  pods: number,
): Promise<{ job: string; from: number }> {
  const job = batch.workerJob!;
  const cluster = await openCluster(batch.cluster, batch.namespace, location);
  const { parallelism, ended, owner } = await cluster.job(job);
  if (isForeign(batch, owner)) throw foreign(`the Job ${job}`, owner, batch, cluster);
  if (ended) throw new UserError(`the Job has ended (${ended}): set \`parallelism\` for the next run instead`);
  await cluster.scale(job, pods);
  return { job, from: parallelism };
}

/** True if workers still run. They take items that are put back. */
async function workersRun({ batch, location }: FoundBatch): Promise<boolean> {
  const cluster = await openCluster(batch.cluster, batch.namespace, location);
  const job = await cluster.job(batch.workerJob!).catch(() => undefined);
  return job !== undefined && job.ended === undefined;
}

/** True if the batch ended between two looks, although items were put back meanwhile. */
const endedBetween = (before: Counts, after: Counts) => before.startedAt > 0 && after.startedAt !== before.startedAt;

/**
 * Makes a change that leaves items waiting.
 * @param found The stack of the queue, if it has one.
 * @returns The result of the change, the counts after it, and the workers that take the items. These are undefined if
 *   new workers must be started.
 * @throws UserError if new workers would also change other things. Then nothing is changed.
 */
export async function changeForWorkers<T>(
  { admin, queue }: Pick<OpenQueue, "admin" | "queue">,
  found: FoundBatch | undefined,
  change: () => Promise<T>,
): Promise<{ changed: T; after: Counts; takers: string | undefined }> {
  const before = await admin.counts();
  const starts = found?.batch.workerJob !== undefined && queue === found.batch.queue ? found : undefined;
  const lack = starts && before.state !== "seeding" && (isOver(before) || !(await workersRun(starts)));
  if (lack && starts.location.isRun)
    throw new UserError(
      "the workers of this run have ended, and no others can be started: with `--joblog`, `wq run --resume-failed` runs what is not done",
    );
  if (lack) await refuseOtherChanges(starts);
  const changed = await change();
  const after = await admin.counts();
  const takers = () => {
    if (found && queue !== found.batch.queue)
      return "workers that run already (none are started for another `--queue`)";
    if (!starts) return "the workers that are there";
    if (after.state === "seeding") return "once the queue is filled, the workers of `pulumi up`";
    if (after.state === "paused") return `once the batch goes on (\`${wq("resume")}\`), its workers`;
    return lack || endedBetween(before, after) ? undefined : "the workers that run";
  };
  return { changed, after, takers: takers() };
}

/**
 * Starts new workers, and waits for the end as `pulumi up` does.
 * @param output File descriptor for what `up` says.
 * @returns Whether it succeeded; null if `up` did not wait for the end (`wait: false`).
 */
export async function startWorkers(found: FoundBatch, output: number): Promise<boolean | null> {
  const { workerUrn } = found.batch;
  const anew = workerUrn === undefined ? [] : ["--replace", workerUrn];
  if ((await showPulumi(found.location, ["up", "--yes", "--skip-preview", ...anew], output)) !== 0) return false;
  const { admin, close } = await openBatch(found);
  try {
    return (await admin.counts()).state === "finished" || null;
  } finally {
    close();
  }
}
