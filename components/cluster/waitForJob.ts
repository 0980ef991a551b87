import type { V1Job } from "@kubernetes/client-node";
import { jobEnd } from "../../kube/jobEnd.ts";
import { pollUntil } from "../../kube/poll.ts";
import { endWords } from "../../kube/podEnds.ts";
import { lastLine } from "../../kube/podReads.ts";
import { Absence } from "./absence.ts";
import { type Cluster, codeOf, isForbidden } from "./client.ts";
import { StartWatch } from "./startWatch.ts";
import { suspension } from "./suspension.ts";
import type { PodWatch } from "../types.ts";

/** A Job that is waited for. */
export interface AwaitedJob {
  name: string;
  uid: string;
  namespace: string;
}

/** Callbacks of a wait. */
export interface WaitOptions {
  /** Other Jobs whose pods must start, or this Job never ends. */
  needs?: AwaitedJob[];
  /** The watch of its Redis. Without Redis, the Job would never end either. */
  redis?: PodWatch | undefined;
  /** True if the wait still makes sense; asked at each look. */
  isWanted?: () => Promise<boolean>;
  /** Called once, if the Job has not ended at the first look. */
  onWait?: () => void;
  /** Called with the last line that the Job's pod printed, when it has changed. */
  onProgress?: (line: string) => void;
  onWarning?: (line: string) => void;
}

const POLL_MS = 1_000;

const watchOf = (cluster: Cluster, job: AwaitedJob, mustEnd: boolean) =>
  new StartWatch(cluster, {
    owner: `Job ${job.name}`,
    ownerUid: job.uid,
    namespace: job.namespace,
    labelSelector: `controller-uid=${job.uid}`,
    mustEnd,
    otherwise: () => suspension(cluster, job),
  });

/**
 * Waits until a Job is complete.
 * @throws Error with the last line of its pod if it failed, or with the reason if no pod starts.
 */
export async function waitForJob(cluster: Cluster, job: AwaitedJob, options: WaitOptions = {}): Promise<void> {
  const { needs = [], redis, isWanted, onWait, onProgress, onWarning } = options;
  const watches: PodWatch[] = [job, ...needs].map((one) => watchOf(cluster, one, one === job));
  if (redis) watches.push(redis);
  const absence = new Absence(cluster);
  let said = "";
  let waits = false;
  const isComplete = async (): Promise<boolean> => {
    // This never settles: a rejection would reach the next inline program of this process. The process of any other
    // program ends, since nothing keeps it.
    if ((await isWanted?.()) === false) return new Promise(() => {});
    const live = await readJob(cluster, job).catch(async (error: unknown) => {
      if (isForbidden(error))
        throw new Error(
          `The cluster does not let \`up\` see the Job ${job.name} it waits for: allow it to \`get\` jobs and \`list\` pods there.`,
          { cause: error },
        );
      const warning = await absence.note(error);
      if (warning) onWarning?.(warning);
      return "unknown" as const;
    });
    if (live === "unknown") return false;
    absence.end();
    if (!live) throw new Error(`Job ${job.name} was deleted while \`up\` waited for it: run \`pulumi up --refresh\`.`);
    const end = jobEnd(live);
    if (end === "Complete") return true;
    if (end === "Failed") throw new Error((await lastWords(cluster, job)) ?? conditionMessage(live));
    if (!waits) onWait?.();
    waits = true;
    const line = onProgress && (await newestLine(cluster, job));
    if (line && line !== said) onProgress((said = line));
    for (const watch of watches) {
      const warning = await watch.look();
      if (warning) onWarning?.(warning);
    }
    return false;
  };
  await pollUntil(isComplete, { timeoutMs: Infinity, intervalMs: POLL_MS });
}

/** The Job; undefined if it is gone. */
async function readJob(cluster: Cluster, { name, namespace, uid }: AwaitedJob): Promise<V1Job | undefined> {
  try {
    const job = await cluster.batch.readNamespacedJob({ name, namespace });
    return job.metadata?.uid === uid ? job : undefined;
  } catch (error) {
    if (codeOf(error) === 404) return undefined;
    throw error;
  }
}

/** Its pods, the newest last. */
export async function jobPods(cluster: Cluster, { namespace, uid }: AwaitedJob) {
  const { items } = await cluster.core.listNamespacedPod({ namespace, labelSelector: `controller-uid=${uid}` });
  const time = (pod: (typeof items)[number]) => pod.metadata?.creationTimestamp?.getTime() ?? 0;
  return items.sort((a, b) => time(a) - time(b));
}

/** The reason for the end of its last pod, one line. */
async function lastWords(cluster: Cluster, job: AwaitedJob): Promise<string | undefined> {
  const pods = await jobPods(cluster, job).catch(() => []);
  const containers = pods.flatMap(({ status }) => [
    ...(status?.initContainerStatuses ?? []),
    ...(status?.containerStatuses ?? []),
  ]);
  const ends = containers.map(({ state, lastState }) => state?.terminated ?? lastState?.terminated);
  const last = ends.findLast((end) => end?.message);
  return last && endWords(last);
}

/** The last line that its newest pod printed. */
async function newestLine(cluster: Cluster, job: AwaitedJob): Promise<string | undefined> {
  const pod = (await jobPods(cluster, job).catch(() => [])).at(-1);
  return pod && lastLine(cluster.core, job.namespace, pod.metadata!.name!);
}

function conditionMessage({ metadata, status }: V1Job): string {
  const failed = status?.conditions?.find(({ type }) => type === "Failed");
  return `Job ${metadata!.name} failed: ${failed?.message ?? failed?.reason ?? "no reason given"}`;
}
