import type { Redis } from "ioredis";
import { DURATION_FIELDS, DURATION_LIMITS_MS, DURATION_SUM } from "../durations.ts";
import { keys } from "../redis/keys.ts";

/** Times of the attempts that ended by themselves. */
export interface Durations {
  /** Attempts that took at most so long, ms, and longer than the limit before; the last limit is Infinity. */
  buckets: { limitMs: number; attempts: number }[];
  sumMs: number;
}

/** Reads them. */
export async function readDurations(redis: Redis, queue: string): Promise<Durations> {
  const values = (await redis.hmget(keys(queue).batch, DURATION_SUM, ...DURATION_FIELDS)).map(Number);
  const [sumMs = 0, ...attempts] = values;
  const limits = [...DURATION_LIMITS_MS, Infinity];
  return { sumMs, buckets: limits.map((limitMs, index) => ({ limitMs, attempts: attempts[index] ?? 0 })) };
}
