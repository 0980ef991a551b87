// Waiting for a state that nothing announces.
import { setTimeout as sleep } from "node:timers/promises";

/** Time limit of a poll, and the pause between two looks. */
export interface Polling {
  timeoutMs: number;
  intervalMs: number;
}

/**
 * Calls `predicate` until its answer is truthy, or the time is up, and returns the last answer. Errors of `predicate`
 * are passed on.
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
