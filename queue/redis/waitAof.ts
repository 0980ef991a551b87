import type { Redis } from "ioredis";

/** So long Redis waits for its disk, ms. */
export const DISK_TIMEOUT_MS = 30_000;

/**
 * Returns when everything written so far is on Redis's disk (rule 7): Redis 7.2 or later with AOF. Older ones, and those without AOF, promise nothing better
 * than their `appendfsync`, and this returns at once.
 */
export async function waitAof(redis: Redis): Promise<boolean> {
  try {
    const [local] = (await redis.call("WAITAOF", 1, 0, DISK_TIMEOUT_MS)) as [number, number];
    return local > 0;
  } catch (error) {
    if (/unknown command|appendonly is disabled/i.test(String(error))) return true;
    throw error;
  }
}
