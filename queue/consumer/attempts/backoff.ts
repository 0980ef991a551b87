import type { RetryPolicy } from "../../types.ts";

/**
 * Wait of an item after its n-th failure (from 1), ms: doubled each time, at most `max`, less up to half of it
 * at random, so that items that failed together do not come back together.
 */
export function backoff(failures: number, { min, max }: RetryPolicy["backoff"]): number {
  const full = Math.min(max, min * 2 ** Math.min(failures - 1, 50));
  return Math.round(full * (1 - Math.random() / 2));
}
