import type { Redis } from "ioredis";
import { isTransient } from "./errors.ts";

/** Longest wait of Redis for its disk, ms. */
export const DISK_TIMEOUT_MS = 30_000;

/** Refusals by a Redis older than 7.2, and by one without AOF. Nobody is told of these. */
const WITHOUT_WAITAOF = /unknown command|appendonly is disabled/i;

/**
 * Waits until everything this connection wrote is on Redis's disk: Redis 7.2 or later with AOF. This returns at once
 * for any other Redis, and for one that refuses (a hosted Redis, an ACL): they promise nothing better than their
 * `appendfsync`.
 * @param onRefused Called with the reason if a Redis refuses that should not.
 * @returns Whether it is on disk, as far as Redis says; false if the disk took too long.
 */
export async function waitAof(redis: Redis, onRefused?: (reason: string) => void): Promise<boolean> {
  try {
    const [local] = (await redis.call("WAITAOF", 1, 0, DISK_TIMEOUT_MS)) as [number, number];
    return local > 0;
  } catch (error) {
    if (isTransient(error)) throw error;
    const { message } = error as Error;
    if (!WITHOUT_WAITAOF.test(message)) onRefused?.(message);
    return true;
  }
}
