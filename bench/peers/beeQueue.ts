import BeeQueue from "bee-queue";
import { type Peer, nothing, runsOf } from "./peer.ts";

/**
 * bee-queue with the settings its README recommends for a process that only works, or only adds. Succeeded jobs are
 * kept, as by default.
 */
const open = (url: string, queue: string, isWorker: boolean) =>
  new BeeQueue<string>(queue, {
    redis: { host: "127.0.0.1", port: Number(new URL(url).port) },
    isWorker,
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
    activateDelayedJobs: false,
  });

export const beeQueue: Peer = {
  name: "bee-queue",

  async seed(url, queue, items) {
    const jobs = open(url, queue, false);
    for (const run of runsOf(items, 1_000)) await jobs.saveAll(run.map((item) => jobs.createJob(item)));
    await jobs.close();
  },

  async drain(url, queue, slots, count) {
    const jobs = open(url, queue, true);
    let first = 0;
    let succeeded = 0;
    const all = new Promise<void>((resolve, reject) => {
      jobs.on("succeeded", () => void (++succeeded === count && resolve()));
      jobs.on("failed", (_, error) => reject(error));
      jobs.on("error", reject);
    });
    jobs.process(slots, () => {
      first ||= performance.now();
      return nothing();
    });
    await all;
    const ms = performance.now() - first;
    await jobs.close();
    return { count: succeeded, ms };
  },

  async done(url, queue) {
    const jobs = open(url, queue, false);
    const { succeeded } = await jobs.checkHealth();
    await jobs.close();
    return succeeded;
  },
};
