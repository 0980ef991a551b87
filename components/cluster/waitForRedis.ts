import { setTimeout as sleep } from "node:timers/promises";
import { Absence } from "./absence.ts";
import { type Cluster, isForbidden } from "./client.ts";
import { StartWatch, type Watched } from "./startWatch.ts";

const POLL_MS = 500;
/** Loading a large log takes minutes; the startup probe allows ten. */
const TIMEOUT_MS = 12 * 60_000;

/**
 * Waits until a pod of Redis is ready. Without the right to look it returns at once; the seed Job waits by itself.
 * @throws Error with what keeps the pod from starting.
 */
export async function waitForRedis(
  cluster: Cluster,
  watched: Watched,
  onWarning: (line: string) => void,
): Promise<void> {
  const watch = new StartWatch(cluster, watched);
  const absence = new Absence(cluster);
  const { namespace, labelSelector } = watched;
  for (const end = performance.now() + TIMEOUT_MS; ; await sleep(POLL_MS)) {
    try {
      const { items } = await cluster.core.listNamespacedPod({ namespace, labelSelector });
      const isReady = items.some(({ status }) =>
        status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True"),
      );
      if (isReady) return;
      absence.end();
    } catch (error) {
      if (isForbidden(error)) return;
      const warning = await absence.note(error);
      if (warning) onWarning(warning);
    }
    if (performance.now() > end)
      throw new Error(
        `${watched.owner} is not ready after 12 minutes: \`kubectl -n ${namespace} describe pod -l ${labelSelector}\` says why.`,
      );
    const warning = await watch.look();
    if (warning) onWarning(warning);
  }
}
