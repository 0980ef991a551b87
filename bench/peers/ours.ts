import { connect, Consumer, type Handler, keys, Seeder } from "../../queue/index.ts";
import { type Drained, type Peer, nothing } from "./peer.ts";

/** Our queue as it ships: the options are the defaults of a stack, so results are kept. */
export function consumer(
  url: string,
  queue: string,
  slots: number,
  handler: Handler,
  readySlots?: () => number,
): Consumer {
  return new Consumer({
    url,
    queue,
    handler,
    readySlots,
    concurrency: slots,
    leaseMs: 10_000,
    itemTimeoutMs: 3_600_000,
    retry: { maxAttempts: 3, backoff: { min: 1_000, max: 300_000 } },
    maxLosses: 3,
    maxResultBytes: 65_536,
    keepResults: "all",
    keepLogs: "failed",
    pod: "bench",
    node: "bench",
  });
}

/** Works through a queue with a handler. */
export async function drainWith(
  url: string,
  queue: string,
  slots: number,
  handler: Handler,
  readySlots?: () => number,
): Promise<Drained> {
  let count = 0;
  let first = 0;
  const counted: Handler = (item, context) => {
    if (count++ === 0) first = Date.now();
    return handler(item, context);
  };
  const end = await consumer(url, queue, slots, counted, readySlots).run();
  if (end !== "finished") throw new Error(`the consumer ended as ${end}`);
  // The moment at which the script saw the end. The wait for the disk comes after it, once per batch.
  const redis = await connect(url);
  const endedAt = Number(await redis.hget(keys(queue).batch, "endedAt"));
  redis.disconnect();
  return { count, ms: endedAt - first };
}

export const ours: Peer = {
  name: "job-wq-2",

  async seed(url, queue, items) {
    await new Seeder({ url, queue }).seed(items, { owner: "bench/dev", run: "1", seedId: "1" });
  },

  drain: (url, queue, slots) => drainWith(url, queue, slots, nothing),

  async done(url, queue) {
    const redis = await connect(url);
    const done = await redis.hlen(keys(queue).results);
    redis.disconnect();
    return done;
  },
};
