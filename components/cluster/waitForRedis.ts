import type { V1Pod } from "@kubernetes/client-node";
import { pollUntil } from "../../kube/poll.ts";
import { Absence } from "./absence.ts";
import { type Cluster, isForbidden } from "./client.ts";
import { StartWatch, type Watched } from "./startWatch.ts";

const POLL_MS = 500;
/** Loading a large log takes minutes; the startup probe allows ten. */
const TIMEOUT_MS = 12 * 60_000;

/**
 * A watch of the pod of Redis: nobody replaces a bare Pod that failed, or was deleted.
 * @param mayComeBack A StatefulSet makes it anew: that is waited for.
 */
export function redisWatch(cluster: Cluster, watched: Watched, mayComeBack = false): StartWatch {
  const line = `${watched.owner} has no pod any more (deleted, evicted, or its node died): \`pulumi up --refresh\` makes it anew, and without \`redisStorage\` everything runs again.`;
  return new StartWatch(cluster, {
    ...watched,
    memory: "redisMemory",
    fieldSelector: "status.phase!=Failed",
    otherwise: () => Promise.resolve({ fatal: !mayComeBack, line }),
  });
}

/**
 * Waits until a pod of Redis is ready. Without the right to look it returns at once; the seed Job waits by itself.
 * @throws Error with what keeps the pod from starting.
 */
export async function waitForRedis(
  cluster: Cluster,
  watched: Watched,
  onWarning: (line: string) => void,
): Promise<void> {
  const watch = redisWatch(cluster, watched);
  const absence = new Absence(cluster);
  const { namespace, labelSelector } = watched;
  /** True even if nobody may look. */
  const isReady = async () => {
    try {
      const { items } = await cluster.core.listNamespacedPod({ namespace, labelSelector });
      absence.end();
      if (items.some(isReadyPod)) return true;
    } catch (error) {
      if (isForbidden(error)) return true;
      const warning = await absence.note(error);
      if (warning) onWarning(warning);
    }
    const warning = await watch.look();
    if (warning) onWarning(warning);
    return false;
  };
  if (!(await pollUntil(isReady, { timeoutMs: TIMEOUT_MS, intervalMs: POLL_MS })))
    throw new Error(
      `${watched.owner} is not ready after 12 minutes: ${watch.problem ?? `\`kubectl -n ${namespace} describe pod -l ${labelSelector}\` says why`}.`,
    );
}

const isReadyPod = ({ status }: V1Pod) =>
  status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True");
