// A measurement in a process of its own, so that none inherits another's heap or compiled code. The parent sends one
// task; the answer is the result.
import { once } from "node:events";
import v8 from "node:v8";
import vm from "node:vm";
import { Redis } from "ioredis";
import { Seeder } from "../queue/index.ts";
import { fileSource } from "../seed/sources.ts";
import { startBullmq, startOurs } from "./peers/idleFleet.ts";
import { consumer } from "./peers/ours.ts";
import { type PeerName, peers } from "./peers/index.ts";
import { items, nothing } from "./peers/peer.ts";

/** Tasks of a child. Times are in ms. */
export type Task =
  /** Seed and work through `count` items, after `warm` items that are not measured; answers items per second. */
  | { do: "drain"; peer: PeerName; url: string; slots: number; warm: number; count: number }
  /** Seed `count` items; answers items per second. */
  | { do: "seed"; peer: PeerName; url: string; warm: number; count: number }
  /** Seed the `count` items of a gzipped file, as the seed Job does; answers items per second. */
  | { do: "seedFile"; url: string; path: string; warm: number; count: number }
  /** Take `count` items of the list that is there, and stop; answers items per second. */
  | { do: "part"; url: string; slots: number; warm: number; count: number }
  /**
   * Get warm, answer, wait for a message, and work until the batch is finished; answers the number of items it did.
   */
  | { do: "share"; url: string; slots: number; warm: number }
  /**
   * Start `count` idle workers and answer. Ours answer the time, too, when one of them gets an item, and when all of
   * them know that the batch is over.
   */
  | { do: "idle"; peer: "ours" | "bullmq"; url: string; count: number };

async function flush(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.flushall("SYNC");
  redis.disconnect();
}

/** Removes the garbage that making the items left, so that it is not collected during the measurement. */
function collectGarbage(): void {
  v8.setFlagsFromString("--expose-gc");
  (vm.runInNewContext("gc") as () => void)();
}

async function drain({ peer: name, url, slots, warm, count }: Task & { do: "drain" }): Promise<number> {
  const peer = peers[name];
  await peer.seed(url, "job2", items(warm));
  await peer.drain(url, "job2", slots, warm);
  await flush(url);
  await peer.seed(url, "job2", items(count));
  const drained = await peer.drain(url, "job2", slots, count);
  const done = await peer.done(url, "job2");
  // NaN: this system keeps no records to count, and has checked the end itself.
  if (drained.count !== count || (done !== count && !Number.isNaN(done))) {
    throw new Error(`${peer.name} counted ${drained.count} items and Redis has ${done} as done, of ${count}`);
  }
  return (count / drained.ms) * 1000;
}

async function seed({ peer: name, url, warm, count }: Task & { do: "seed" }): Promise<number> {
  const peer = peers[name];
  await peer.seed(url, "job2", items(warm));
  await flush(url);
  const list = items(count);
  collectGarbage();
  const started = performance.now();
  await peer.seed(url, "job2", list);
  return (count / (performance.now() - started)) * 1000;
}

async function seedFile({ url, path, warm, count }: Task & { do: "seedFile" }): Promise<number> {
  await peers.ours.seed(url, "warm", items(warm));
  await flush(url);
  const started = performance.now();
  const options = { owner: "bench/dev", run: "1", seedId: "1" };
  await new Seeder({ url, queue: "job2" }).seed(fileSource(path, "text"), options);
  return (count / (performance.now() - started)) * 1000;
}

async function part({ url, slots, warm, count }: Task & { do: "part" }): Promise<number> {
  await peers.ours.seed(url, "warm", items(warm));
  await peers.ours.drain(url, "warm", slots, warm);
  let taken = 0;
  let first = 0;
  let last = 0;
  const worker = consumer(url, "job2", slots, () => {
    if (taken++ === 0) first = performance.now();
    if (taken === count) {
      last = performance.now();
      void worker.stop(1_000);
    }
    return nothing();
  });
  await worker.run();
  return (count / (last - first)) * 1000;
}

async function share({ url, slots, warm }: Task & { do: "share" }): Promise<number> {
  const own = `warm-${process.pid}`;
  await peers.ours.seed(url, own, items(warm));
  await peers.ours.drain(url, own, slots, warm);
  process.send!({ result: 0 });
  await once(process, "message");
  let count = 0;
  await consumer(url, "job2", slots, () => (count++, nothing())).run();
  return count;
}

async function idle({ peer, url, count }: Task & { do: "idle" }): Promise<number> {
  const answer = (result: number) => process.send!({ result });
  process.once("disconnect", () => process.exit(1)); // the bench was interrupted
  if (peer === "ours") {
    const { over } = await startOurs(url, count, () => answer(Date.now()));
    answer(0);
    await over;
    return Date.now();
  }
  await startBullmq(url, count);
  answer(0);
  return new Promise(() => {});
}

const [task] = (await once(process, "message")) as [Task];
const tasks = { drain, seed, seedFile, part, share, idle };
try {
  process.send!({ result: await (tasks[task.do] as (task: Task) => Promise<number>)(task) });
  // A consumer that was stopped early does not let the process end with 0.
  process.exit(task.do === "part" ? 1 : 0);
} catch (error) {
  process.send!({ error: (error as Error).stack });
  process.exit(1);
}
