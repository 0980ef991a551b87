// The Jobs of a Batch as an earlier `up`, which may have failed or been killed, left them in the cluster.
import type { V1Job } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { jobEnd } from "../../kube/jobEnd.ts";
import { pollUntil } from "../../kube/poll.ts";
import { COMPONENT } from "../../kube/ownLabels.ts";
import { instanceSelector, selectorText } from "../labels.ts";
import { Absence, answerOf } from "./absence.ts";
import { type Cluster, codeOf } from "./client.ts";
import type { Owner } from "./owner.ts";

/**
 * Annotation with the uids of the resources that a Job follows. A Job whose uid is in that of the next Job is certainly
 * in Pulumi's state.
 */
export const FOLLOWS = "job-wq-2/follows";
/** Annotation with a digest of the values whose change runs the Job again. */
export const RUNS_FOR = "job-wq-2/runs-for";
/** Annotation with the uid of the Job that this one replaced. Each `up` repeats it, so that the trigger stays. */
export const INSTEAD_OF = "job-wq-2/instead-of";

const POLL_MS = 500;
/** Longer than the grace period of its pods, and than the cluster may be away. */
const GONE_AFTER_MS = 11 * 60_000;

/** The Jobs of a Batch. */
export interface LiveJobs {
  seed?: V1Job;
  workers?: V1Job;
  supervisor?: V1Job;
}

/**
 * The Jobs of a Batch; those of another stack are not.
 * @throws Error if they may not be listed, or the cluster stays away. A guess instead might run them again.
 */
export async function liveJobs(
  cluster: Cluster,
  { namespace, name, owner }: { namespace: string; name: string; owner: Owner },
): Promise<LiveJobs> {
  const labelSelector = selectorText(instanceSelector(name));
  const denied = `The cluster does not let \`up\` see the Jobs in namespace ${namespace}: allow it to \`get\`, \`list\` and \`delete\` jobs there.`;
  const list = () => cluster.batch.listNamespacedJob({ namespace, labelSelector });
  return ownJobs((await answerOf(cluster, list, denied))?.items ?? [], owner);
}

/** The Jobs of this stack, by role. An `up` that was cut off leaves a supervisor that Pulumi does not know of. */
function ownJobs(all: V1Job[], owner: Owner): LiveJobs {
  const time = ({ metadata }: V1Job) => metadata!.creationTimestamp?.getTime() ?? 0;
  const own = all.filter(({ metadata }) => owner.owns(metadata!.annotations)).sort((a, b) => time(a) - time(b));
  const newest = (role: string) => own.findLast(({ metadata }) => metadata!.labels![COMPONENT] === role);
  return { seed: newest("seed"), workers: newest("worker"), supervisor: newest("supervisor") };
}

/**
 * The uid of the Job that a new one replaces: it failed, or was cut off, so that Pulumi may not know of it.
 * @param job The Job as it is in the cluster.
 * @param next The Job that follows it in the cluster; `none` for the last one.
 */
export function insteadOf(job: V1Job | undefined, next: V1Job | "none" | undefined): string {
  if (!job) return "";
  if (jobEnd(job) === "Failed" || isCutOff(job, next)) return job.metadata!.uid!;
  return job.metadata!.annotations?.[INSTEAD_OF] ?? "";
}

/** True if `up` ended between the creation of a Job and that of the next one. */
export function isCutOff(job: V1Job, next: V1Job | "none" | undefined): boolean {
  return next !== "none" && !next?.metadata?.annotations?.[FOLLOWS]?.includes(job.metadata!.uid!);
}

/** Fields that tell one Job from another. */
type JobIdentity = Pick<NonNullable<V1Job["metadata"]>, "uid" | "annotations">;

/**
 * True if a Job will run again, in a preview. For a Job that is replaced, the provider answers as the API server did in
 * a dry run: with nothing, another uid, or the present Job with other annotations.
 */
export function willRun(previewed: JobIdentity | undefined, live: V1Job | undefined): boolean {
  const runsFor = (metadata: JobIdentity | undefined) => metadata?.annotations?.[RUNS_FOR];
  return (
    previewed?.uid === undefined ||
    previewed.uid !== live?.metadata?.uid ||
    runsFor(previewed) !== runsFor(live?.metadata)
  );
}

/** Deletes a Job and waits until it is gone: its name must be free if Pulumi does not know of it. */
export async function deleteJob(cluster: Cluster, { metadata }: V1Job): Promise<void> {
  const { name, namespace, uid } = metadata as { name: string; namespace: string; uid: string };
  const body = { propagationPolicy: "Foreground", preconditions: { uid } };
  const absence = new Absence(cluster);
  const gone = async () => {
    try {
      const { metadata: live } = await cluster.batch.readNamespacedJob({ name, namespace });
      if (live?.uid !== uid) return true;
      if (!live.deletionTimestamp) await cluster.batch.deleteNamespacedJob({ name, namespace, body });
      absence.end();
    } catch (error) {
      if (codeOf(error) === 404) return true;
      const warning = await absence.note(error);
      if (warning) await pulumi.log.warn(warning);
    }
    return false;
  };
  if (!(await pollUntil(gone, { timeoutMs: GONE_AFTER_MS, intervalMs: POLL_MS })))
    throw new Error(
      `Job ${name} was deleted, but is still there: a finalizer holds it, or its node is gone; \`kubectl -n ${namespace} get job,pod -l job-name=${name}\` shows what is left.`,
    );
  await pulumi.log.info(`Job ${name} is created again: the last \`up\` ended before its work was done.`);
}
