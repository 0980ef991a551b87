// Waiting for a state that nothing announces.
import { setTimeout as sleep } from "node:timers/promises";

/** Time limit of a poll, and the pause between two looks. */
export interface Polling {
  timeoutMs: number;
  intervalMs: number;
}

/**
 * Calls `predicate` until it answers something truthy, which is returned; its last answer when the time is up. Its
 * errors pass through.
 */
export async function pollUntil<T>(
  predicate: () => T | Promise<T>,
  { timeoutMs, intervalMs }: Polling,
): Promise<Awaited<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answer = await predicate();
    if (answer || performance.now() >= deadline) return answer;
    await sleep(intervalMs);
  }
}
