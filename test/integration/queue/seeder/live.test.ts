import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer } from "../../../../queue/index.ts";
import { keys } from "../../../../queue/redis/keys.ts";
import { SeederFixture } from "../../../support/seederFixture.ts";

const k = keys("job2");

describe("Seeder beside live workers", () => {
  const queue = SeederFixture.register("8", []);

  const names = (first: number, last: number) =>
    Array.from({ length: last - first + 1 }, (_, index) => `item-${first + index}`);
  const seed = (items: string[], run = "1") => queue.seed(items, { run, seedId: `job-${items.length}` });

  /** Counts the runs of each item. */
  const consumer = (runs: Map<string, number>, work: (item: string) => Promise<unknown> = async () => {}) =>
    new Consumer({
      url: queue.server.url,
      queue: "job2",
      concurrency: 16,
      leaseMs: 10_000,
      itemTimeoutMs: 60_000,
      retry: { maxAttempts: 3, backoff: { min: 1, max: 1 } },
      maxResultBytes: 100,
      keepResults: "all",
      keepLogs: "failed",
      maxLosses: 3,
      pod: "pod",
      node: "node",
      handler: async (item) => {
        runs.set(item, (runs.get(item) ?? 0) + 1);
        await work(item);
      },
    });

  it("lets workers start when the list is whole", async () => {
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
    await queue.seed(slow);
    assert.equal(await ended, "finished");
    assert.equal(ranBefore, 0);
    assert.deepEqual([runs.size, Math.max(...runs.values())], [20_000, 1]);
    assert.equal((await queue.admin.counts()).done, 20_000);
  });

  it("lets nothing be reserved while a list is edited, and goes on in the new order", async () => {
    const runs = new Map<string, number>();
    await seed(names(1, 4000));
    const ended = consumer(runs, () => sleep(5)).run();
    while (runs.size < 100) await sleep(5);
    let reads = 0;
    let begunMeanwhile = 0;
    const edited = ["first", ...names(1, 4000)];
    const slow = {
      async *[Symbol.asyncIterator]() {
        const editing = ++reads === 2;
        // By now, items that were being reserved when the edit began are in flight.
        if (editing) await sleep(100);
        const begun = runs.size;
        if (editing) await sleep(500);
        begunMeanwhile += editing ? runs.size - begun : 0;
        yield* edited;
      },
    };
    await queue.seed(slow);
    assert.equal(await ended, "finished");
    assert.equal(begunMeanwhile, 0);
    assert.deepEqual([runs.size, Math.max(...runs.values())], [4001, 1]);
    assert.equal([...runs.keys()].indexOf("first") < 3000, true, "it did not wait for the end of the list");
  });

  it("runs every item that stays once, while the list grows, shrinks and changes its order", async () => {
    const runs = new Map<string, number>();
    await seed(names(1, 3000));
    // The first item is in flight all the time, so that the end is not reached before the last seeding.
    let open!: () => void;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const ended = consumer(runs, (item) => (item === "item-1" ? gate : sleep(1))).run();
    while (runs.size === 0) await sleep(5);
    await seed(names(1, 6000));
    await seed(names(501, 9000));
    await queue.redis.rpush(k.list, ...names(90_001, 90_100));
    await seed([...names(4000, 9000).reverse(), ...names(1, 600)]);
    await seed([...names(4000, 9000).reverse(), ...names(1, 600), ...names(9001, 9500)]);
    open();
    assert.equal(await ended, "finished");
    assert.equal(Math.max(...runs.values()), 1, "none ran twice");
    for (const item of [...names(1, 600), ...names(4000, 9500), ...names(90_001, 90_100)]) {
      assert.equal(runs.get(item), 1, item);
    }
    const { state, total, done, waiting, running, delayed, dead, external } = await queue.admin.counts();
    assert.deepEqual([state, waiting, running, delayed, dead, external], ["finished", 0, 0, 0, 0, 0]);
    assert.deepEqual([total, done], [runs.size, runs.size]);
  });

  it("takes items of the old run away from workers: in the new run they run again and are recorded once", async () => {
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
    for await (const record of queue.admin.results()) records.push(record.payload.toString());
    assert.deepEqual(records.sort(), names(1, 40).sort());
  });
});
