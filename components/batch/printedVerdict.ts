// The verdict as the supervisor printed it. Until `up` has kept it, only the log has it.
import { noWorkLine } from "../../kube/podEnds.ts";
import { pollUntil } from "../../kube/poll.ts";
import { answerOf } from "../cluster/absence.ts";
import { type Cluster, isForbidden } from "../cluster/client.ts";
import { type AwaitedJob, jobPods } from "../cluster/waitForJob.ts";

/** Beginning of its line (supervisor/verdict.ts). */
const PREFIX = "verdict: ";
/** A log that cannot be read for so long is lost: its node may be gone. */
const LOST_AFTER_MS = 15_000;

/** The verdict, or why there is none. */
export interface PrintedVerdict {
  /** Its values as texts, since those of a ConfigMap are. */
  verdict?: Record<string, string>;
  /** One line, if there is no verdict. */
  problem?: string;
}

/**
 * Reads it.
 * @param onWarning Called if the cluster has not answered for a while.
 * @throws Error if it may not be read, or the cluster stays away.
 */
export async function printedVerdict(
  cluster: Cluster,
  job: AwaitedJob,
  onWarning: (line: string) => void,
): Promise<PrintedVerdict> {
  const { name, namespace } = job;
  const denied = `The cluster does not let \`up\` read the verdict of Job ${name}: allow it to \`list\` pods and to \`get\` pods/log in namespace ${namespace}.`;
  const pods = (await answerOf(cluster, () => jobPods(cluster, job), denied, onWarning)) ?? [];
  const pod = pods.at(-1)?.metadata?.name;
  const log = pod && (await logOf(cluster, { name: pod, namespace, container: "c" }, denied));
  if (log === undefined)
    return {
      problem: `The verdict of Job ${name} was lost with its pod: run \`pulumi up\` again, and another supervisor judges the batch.`,
    };
  const line = log.split("\n").findLast((text) => text.startsWith(PREFIX));
  if (!line) return { problem: noWorkLine(pod!, log.trim()) };
  const values = JSON.parse(line.slice(PREFIX.length)) as Record<string, unknown>;
  const texts = Object.entries(values).map(([key, value]) => [key, asText(value)]);
  return { verdict: Object.fromEntries(texts) as Record<string, string> };
}

/** The log of a pod; undefined if it is lost. */
function logOf(
  cluster: Cluster,
  request: { name: string; namespace: string; container: string },
  denied: string,
): Promise<string | undefined> {
  const read = async () => {
    try {
      return { log: await cluster.core.readNamespacedPodLog(request) };
    } catch (error) {
      if (isForbidden(error)) throw new Error(denied, { cause: error });
      return undefined;
    }
  };
  return pollUntil(read, { timeoutMs: LOST_AFTER_MS, intervalMs: 500 }).then((found) => found?.log);
}

const asText = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
