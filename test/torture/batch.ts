import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { QueueAdmin, Seeder } from "../../queue/index.ts";
import type { ItemRecord } from "../../queue/types.ts";
import { redisVersions, startRedis } from "../support/redis.ts";
import { type FaultName, faults, type Scene } from "./faults.ts";
import { Random } from "./random.ts";
import { KeptWorker } from "./workers.ts";

/** Longest time of a batch after its last fault, ms. Its attempts alone take a few seconds. */
const LIMIT_MS = 150_000;

/** Deed of an item (test/support/consumerChild.ts), and its share in percent, in each kind of batch. */
const MIXES: Record<string, [deed: string, share: number][]> = {
  good: [["sleep 20", 100]],
  slow: [
    ["sleep 300", 90],
    ["deaf 500", 10],
  ],
  later: [
    ["later 300", 80],
    ["sleep 50", 20],
  ],
  huge: [
    ["sleep 20", 60],
    [`sleep ${" ".repeat(40_000)}20`, 30],
    [`sleep ${" ".repeat(900_000)}20`, 10],
  ],
  failing: [
    ["sleep 10", 60],
    ["fail no", 40],
  ],
  hopeless: [["fail no", 100]],
  mixed: [
    ["sleep 30", 70],
    ["fail no", 10],
    ["never again", 5],
    ["reject stray", 5],
    ["block 200", 5],
    ["listener mine", 5],
  ],
  // Each of these items costs `maxLosses` processes and leases, and each of those some seconds.
  deadly: [
    ["sleep 50", 94],
    ["die", 3],
    ["exit", 3],
  ],
};

/** Its outcome, if nothing was wrong. */
export interface Outcome {
  kind: string;
  state: string;
  faults: FaultName[];
  seconds: number;
}

/** Runs one batch that the seed decides. @throws AssertionError if it does not end, or leaves something wrong. */
export async function runBatch(seed: number): Promise<Outcome> {
  const random = new Random(seed);
  const kind = random.pick(Object.keys(MIXES));
  const deeds = MIXES[kind]!.flatMap(([deed, share]) => Array<string>(share).fill(deed));
  const items = Array.from({ length: random.integer(10, 120) }, () => random.pick(deeds));
  const maxLosses = random.integer(2, 3);
  const log = ["--appendonly", "yes", "--appendfsync", random.pick(["everysec", "always"])];
  const server = await startRedis({ version: random.pick(redisVersions), args: log });
  const started = performance.now();
  await new Seeder({ url: server.url, queue: "job2" }).seed(items, { owner: "p/s", run: "1", seedId: "1" });
  const options = {
    leaseMs: random.integer(1_000, 2_000),
    itemTimeoutMs: 1_500,
    maxLosses,
    retry: { maxAttempts: random.integer(1, 3), backoff: { min: 10, max: random.pick([20, 1_000]) } },
  };
  const workers: KeptWorker[] = [];
  const startWorker = async (sick?: string) => {
    const own = { concurrency: random.pick([1, 1, 4, 16]), graceMs: random.pick([0, 1_000]), sick };
    workers.push(await KeptWorker.start(server.port, { ...options, ...own, pod: `pod-${workers.length}` }));
  };
  const hasSick = random.next() < 0.2;
  if (hasSick) await startWorker(random.pick(["fail sick", "die"]));
  if (hasSick) await sleep(random.integer(0, 3_000));
  for (let count = random.integer(2, 4); count > 0; count--) await startWorker();
  const scene: Scene = { items, removed: [], isShifted: false, random, server, workers };
  const done: FaultName[] = [];
  let admin: QueueAdmin | undefined;
  try {
    const reopening: FaultName[] = [
      "retried",
      "resumed",
      "begunAnew",
      "pushedByHand",
      "abortedByHand",
      "purged",
      "edited",
    ];
    const mayReopen = new Set<FaultName>([...reopening, "tailLost"]);
    for (let times = random.integer(0, 6); times > 0; times--) {
      await sleep(random.integer(50, 1_500));
      const name = random.pick(Object.keys(faults) as FaultName[]);
      done.push(name);
      await faults[name](scene);
    }
    admin = await QueueAdmin.open(server.url, "job2");
    // A fault may have reopened the batch after workers left. Then a new one starts, as after `wq retry`.
    let isOver = await areOver(workers);
    const { state } = await admin.counts();
    if (state === "open" && done.some((name) => mayReopen.has(name))) {
      await startWorker();
      isOver = await areOver(workers);
    }
    await check(admin, { ...scene, maxLosses, hasSick, kind, isOver });
    return { kind, state: (await admin.counts()).state, faults: done, seconds: (performance.now() - started) / 1000 };
  } catch (error) {
    (error as Error).message = `${kind}, ${workers.length} workers, ${done.join(", ")}: ${(error as Error).message}`;
    throw error;
  } finally {
    await admin?.close();
    await Promise.all(workers.map((worker) => worker.stop()));
    await server.stop();
  }
}

/** True if all workers say in time that the batch is over. */
function areOver(workers: KeptWorker[]): Promise<boolean> {
  const end = Promise.all(workers.map(({ over }) => over)).then(() => true);
  return Promise.race([end, sleep(LIMIT_MS, false, { ref: false })]);
}

/** The run, and its outcome. */
interface Run extends Pick<Scene, "items" | "removed"> {
  maxLosses: number;
  hasSick: boolean;
  kind: string;
  isOver: boolean;
}

/** Invariants at the end of every batch. */
async function check(admin: QueueAdmin, { items, removed, maxLosses, hasSick, kind, isOver }: Run): Promise<void> {
  const counts = await admin.counts();
  const { state, reason, total, waiting, running, delayed, dead } = counts;
  assert.ok(isOver, `it does not end: ${JSON.stringify(counts)}`);
  assert.ok(state === "finished" || state === "aborted", `its state is ${state}`);
  assert.ok(items.length <= total && total <= items.length + removed.length, `${total} of ${items.length} items`);
  assert.equal(waiting + running + delayed + counts.done + dead, total, "the counts add up");
  if (state === "aborted") {
    assert.match(reason!, /^(nothing succeeds|workers vanish)/);
    return assert.ok(!["good", "slow", "later", "huge"].includes(kind), `what can be done was given up: ${reason}`);
  }
  assert.equal(waiting + running + delayed, 0, "finished, and something is left");
  const records: ItemRecord[] = [];
  for await (const record of admin.results()) records.push(record);
  const left = records.map(({ payload }) => String(payload));
  const take = (item: string) => left.splice(left.indexOf(item) >>> 0, 1).length;
  const missing = items.filter((item) => take(item) === 0);
  for (const item of removed) take(item);
  assert.deepEqual([missing, left].map(shorten), [[], []], "each is recorded once: missing, and too many");
  for (const { outcome, payload, reason, attempts } of records) {
    const deed = String(payload);
    if (outcome === "done") assert.match(deed, /^(sleep|deaf|block|later)/);
    else if (/^(sleep|deaf|later) /.test(deed) && !hasSick && !reason?.startsWith("cancelled by")) {
      const lost = attempts.filter(({ outcome }) => outcome === "lost" || outcome === "timeout").length;
      assert.ok(
        lost >= Math.min(1, maxLosses),
        `an innocent is dead: ${deed.slice(0, 40)} ${JSON.stringify(attempts)}`,
      );
    }
  }
}

const shorten = (items: string[]) => items.map((item) => item.slice(0, 40));
