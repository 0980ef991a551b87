import { Queue, Worker } from "bullmq";
import { type Peer, nothing, runsOf } from "./peer.ts";

const connection = (url: string) => ({
  host: "127.0.0.1",
  port: Number(new URL(url).port),
  maxRetriesPerRequest: null,
});

/**
 * BullMQ as its guide says: addBulk for many jobs, one Worker whose `concurrency` are the slots. Completed jobs are
 * kept, as by default.
 */
export const bullmq: Peer = {
  name: "BullMQ",

  async seed(url, queue, items) {
    const jobs = new Queue(queue, { connection: connection(url) });
    for (const run of runsOf(items, 1_000)) {
      await jobs.addBulk(run.map((data) => ({ name: "item", data })));
    }
    await jobs.close();
  },

  async drain(url, queue, slots, count) {
    let first = 0;
    let completed = 0;
    const handler = () => {
      first ||= performance.now();
      return nothing();
    };
    const worker = new Worker(queue, handler, { connection: connection(url), concurrency: slots, autorun: false });
    await worker.waitUntilReady();
    const all = new Promise<void>((resolve, reject) => {
      worker.on("completed", () => void (++completed === count && resolve()));
      worker.on("failed", (_, error) => reject(error));
      worker.on("error", reject);
    });
    worker.run().catch(() => {});
    await all;
    const ms = performance.now() - first;
    await worker.close();
    return { count: completed, ms };
  },

  async done(url, queue) {
    const jobs = new Queue(queue, { connection: connection(url) });
    const done = await jobs.getCompletedCount();
    await jobs.close();
    return done;
  },
};
