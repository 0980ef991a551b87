// Faults of worker pods.
import type { Field, Pod } from "../field.ts";
import { killInPod } from "../processes.ts";

const EVERY_MS = 1_000;
/**
 * Pods that are always left alone. Kubernetes replaces pods of a Job, and restarts containers, after growing waits
 * (10 s, 20 s, 40 s … 10 min). A batch without pods would show only these waits.
 */
const SPARED = 3;
/** Pods die while the share of the work that is done lies between these. */
const PART: [from: number, to: number] = [0.1, 0.8];

type Strike = (field: Field, pod: Pod) => Promise<boolean>;

/** Strikes a random worker pod each second. */
async function each(field: Field, strike: Strike, everyMs = EVERY_MS): Promise<void> {
  await field.reached(PART[0]);
  for (; !field.isOver && field.share < PART[1]; await field.pause(everyMs)) {
    const pods = await field.pods("worker");
    if (pods.length > SPARED) await strike(field, pods[Math.floor(Math.random() * pods.length)]!);
  }
}

/** Deletes pods with `kubectl delete --force`. */
export const forceDeletedPods = (field: Field, everyMs?: number) =>
  each(
    field,
    async (field, pod) => {
      const at = Date.now();
      // Not waited for: the Job keeps a pod's object until it replaces it.
      const { ok } = await field.kubectl("delete", "pod", pod.name, "--force", "--grace-period=0", "--wait=false");
      if (ok) field.happened("worker pod force-deleted", at, [pod]);
      return ok;
    },
    everyMs,
  );

/** Kills workers as the kernel does when memory runs out. */
export const killedWorkers = (field: Field, everyMs?: number) =>
  each(
    field,
    async (field, pod) => {
      const at = await killInPod(pod, /^\S*node .*\/worker\.js/);
      if (at !== undefined) field.happened("worker SIGKILLed", at, [pod]);
      return at !== undefined;
    },
    everyMs,
  );
