import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { connect, Consumer, QueueAdmin, Seeder } from "../../../../queue/index.ts";
import { keys } from "../../../../queue/redis/keys.ts";
import { startRedis, type TestRedis } from "../../../support/redis.ts";

const k = keys("job2");

describe("seeding beside live workers", function () {
  this.timeout(30_000);
  let server: TestRedis;
  let redis: Redis;
  let admin: QueueAdmin;

  before(async () => {
    server = await startRedis();
    redis = await connect(server.url);
    admin = new QueueAdmin(redis, "job2");
  });
  beforeEach(() => redis.flushall());
  after(async () => {
    redis.disconnect();
    await server.stop();
  });

  const names = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => `item-${first + index}`);
  const seed = (items: string[], run = "1") =>
    new Seeder({ url: server.url, queue: "job2" }).seed(items, { owner: "p/s", run, seedId: `job-${items.length}` });
  /** Counts the runs of each item. */
  const consumer = (runs: Map<string, number>, work: (item: string) => Promise<unknown> = async () => {}) =>
    new Consumer({
      ...{ url: server.url, queue: "job2", concurrency: 16, leaseMs: 10_000, itemTimeoutMs: 60_000 },
      ...{ retry: { maxAttempts: 3, backoff: { min: 1, max: 1 } }, maxResultBytes: 100 },
      ...{ keepResults: "all", keepLogs: "failed", pod: "pod", node: "node" },
      handler: async (item) => {
        runs.set(item, (runs.get(item) ?? 0) + 1);
        await work(item);
      },
    });

  it("workers that wait for the list start when it is whole, and end when all is done", async () => {
    const runs = new Map<string, number>();
    const ended = consumer(runs).run();
    await sleep(100);
    let ranBefore = 0;
    const items = names(1, 20_000);
    const slow = {
      async *[Symbol.asyncIterator]() {
        yield* items.slice(0, 12_000);
        await sleep(300);
        ranBefore = runs.size;
        yield* items.slice(12_000);
      },
    };
    await new Seeder({ url: server.url, queue: "job2" }).seed(slow, { owner: "p/s", run: "1", seedId: "1" });
    assert.equal(await ended, "finished");
    assert.equal(ranBefore, 0);
    assert.deepEqual([runs.size, Math.max(...runs.values())], [20_000, 1]);
    assert.equal((await admin.counts()).done, 20_000);
  });

  it("a list that grows, shrinks and is reordered again and again: every item that stayed ran once, and none twice", async () => {
    const runs = new Map<string, number>();
    await seed(names(1, 3000));
    // The first item is in hand all the time, so that the end is not reached before the last seeding.
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const ended = consumer(runs, (item) => (item === "item-1" ? gate : sleep(1))).run();
    while (runs.size === 0) await sleep(5);
    await seed(names(1, 6000));
    await seed(names(501, 9000));
    await redis.rpush(k.list, ...names(90_001, 90_100));
    await seed([...names(4000, 9000).reverse(), ...names(1, 600)]);
    await seed([...names(4000, 9000).reverse(), ...names(1, 600), ...names(9001, 9500)]);
    open();
    assert.equal(await ended, "finished");
    assert.equal(Math.max(...runs.values()), 1, "none ran twice");
    for (const item of [...names(1, 600), ...names(4000, 9500), ...names(90_001, 90_100)]) {
      assert.equal(runs.get(item), 1, item);
    }
    const { state, total, done, waiting, running, delayed, dead, external } = await admin.counts();
    assert.deepEqual(
      { state, waiting, running, delayed, dead, external },
      {
        ...{ state: "finished", waiting: 0, running: 0, delayed: 0, dead: 0, external: 0 },
      },
    );
    assert.deepEqual([total, done], [runs.size, runs.size]);
  });

  it("a new run takes the items from the hands that hold them: they run again and are recorded once", async () => {
    const runs = new Map<string, number>();
    await seed(names(1, 40));
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const ended = consumer(runs, () => gate).run();
    while (runs.size < 16) await sleep(5);
    await seed(names(1, 40), "2");
    open();
    assert.equal(await ended, "finished");
    assert.equal(runs.size, 40);
    const records = [];
    for await (const record of admin.results()) records.push(record.payload.toString());
    assert.deepEqual(records.sort(), names(1, 40).sort());
  });
});
