import type { Redis } from "ioredis";
import { keyList, QUEUES } from "../redis/keys.ts";
import type { Counts, QueueSummary } from "../types.ts";

/** Memory of a queue's keys in bytes, estimated by Redis from samples; undefined if Redis does not let us ask. */
async function memoryOf(redis: Redis, queue: string): Promise<number | undefined> {
  const pipeline = redis.pipeline();
  for (const key of keyList(queue)) pipeline.memory("USAGE", key);
  const replies = await pipeline.exec();
  let bytes = 0;
  for (const [error, size] of replies!) {
    if (error) return undefined;
    bytes += Number(size ?? 0);
  }
  return bytes;
}

/** The queues of a Redis by name, in their order: those that were ever seeded or taken from, and not purged. */
export async function listQueues(redis: Redis, countsOf: (queue: string) => Promise<Counts>): Promise<QueueSummary[]> {
  const summaries: QueueSummary[] = [];
  for (const queue of (await redis.smembers(QUEUES)).sort()) {
    const counts = await countsOf(queue);
    // Its keys were deleted by another hand.
    if (counts.total === 0 && counts.owner === "") continue;
    summaries.push({ queue, counts, memoryBytes: await memoryOf(redis, queue) });
  }
  return summaries;
}
