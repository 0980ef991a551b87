// The workers of a batch: whether they are still at it, and how new ones are started.
import { UserError } from "../errors.ts";
import { openCluster } from "./openCluster.ts";
import { openBatch } from "./openQueue.ts";
import { showPulumi } from "./pulumi.ts";
import { type FoundBatch, readBatch } from "./readStack.ts";

/** The batch that the options name, one with workers. @throws UserError where it has none. */
export async function batchWithWorkers(options: { stack?: string; batch?: string }): Promise<FoundBatch> {
  const found = await readBatch(options);
  if (found.batch.workerJob === undefined)
    throw new UserError("the batch has no workers: run `pulumi up` with `workers` true");
  return found;
}

/** True if they are still at it: they take what is put back. */
export async function workersRun({ batch, location }: FoundBatch): Promise<boolean> {
  const cluster = await openCluster(batch.cluster, batch.namespace, location);
  const job = await cluster.job(batch.workerJob!).catch(() => undefined);
  return job !== undefined && job.ended === undefined;
}

/**
 * Starts them anew, and waits for the end as `pulumi up` does.
 * @param output File descriptor for what `up` says.
 * @returns Whether it succeeded; null where `up` did not wait for the end (`wait: false`).
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
