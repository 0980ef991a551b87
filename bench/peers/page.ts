import { createHash } from "node:crypto";
import { Redis } from "ioredis";
import { type Peer, nothing, runsOf } from "./peer.ts";

/**
 * The commands of the Kubernetes page's rediswq.py, in its order: two to see if the list is empty, one to take an item,
 * one for its lease, and, after the handler, two to complete it. A slot is a connection, where the page has a pod. The
 * page keeps no results. So its own count is all there is, and Redis is only asked if both lists are empty.
 */
export const page: Peer = {
  name: "page",

  async seed(url, queue, items) {
    const redis = new Redis(url);
    for (const run of runsOf(items, 1_000)) await redis.rpush(queue, ...run);
    redis.disconnect();
  },

  async drain(url, queue, slots, total) {
    const processing = `${queue}:processing`;
    let count = 0;
    let first = 0;
    const work = async () => {
      const redis = new Redis(url);
      while ((await redis.llen(queue)) > 0 || (await redis.llen(processing)) > 0) {
        const value = await redis.brpoplpush(queue, processing, 0.01);
        if (value === null) continue;
        const lease = `${queue}:leased_by_session:${createHash("sha224").update(value).digest("hex")}`;
        await redis.setex(lease, 10, "session");
        first ||= performance.now();
        await nothing();
        await redis.lrem(processing, 0, value);
        await redis.del(lease);
        count++;
      }
      redis.disconnect();
    };
    await Promise.all(Array.from({ length: slots }, work));
    if (count !== total) throw new Error(`the page's sequence did ${count} of ${total} items`);
    return { count, ms: performance.now() - first };
  },

  async done(url, queue) {
    const redis = new Redis(url);
    const left = (await redis.llen(queue)) + (await redis.llen(`${queue}:processing`));
    const keys = await redis.dbsize();
    redis.disconnect();
    return left === 0 && keys === 0 ? NaN : -1;
  },
};
