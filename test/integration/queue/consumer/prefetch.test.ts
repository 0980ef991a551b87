import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { connect, Consumer, keys, QueueAdmin } from "../../../../queue/index.ts";
import type { ConsumerEvent, Handler, ItemRecord } from "../../../../queue/types.ts";
import { quick, startConsumer } from "../../../support/consuming.ts";
import { startRedis, type TestRedis } from "../../../support/redis.ts";

const k = keys("job2");
const QUICK = 100;
const text = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `item-${from + index}`);

describe("items ahead", () => {
  let server: TestRedis;
  let redis: Redis;
  let admin: QueueAdmin;

  before(async () => {
    server = await startRedis();
    redis = await connect(server.url);
    admin = await QueueAdmin.open(server.url, "job2");
  });
  beforeEach(() => redis.flushall());
  after(async () => {
    redis.disconnect();
    await admin.close();
    await server.stop();
  });

  const consumer = (handler: Handler, more = {}) => new Consumer({ ...quick(server.url), ...more, handler });
  /** Waits until the queue's counts match. */
  async function until(what: () => Promise<boolean>): Promise<void> {
    while (!(await what())) await sleep(5);
  }
  const ahead = async () => (await redis.zcard(k.leases)) > 1;

  it("are many if a handler is quick, and still run one at a time, in their order", async () => {
    await redis.rpush(k.list, ...text(0, 3_000));
    await redis.config("RESETSTAT");
    const seen: string[] = [];
    let [now, most] = [0, 0];
    await consumer(async (item) => {
      most = Math.max(most, ++now);
      seen.push(item);
      await Promise.resolve();
      now--;
    }).run();
    const [, calls] = /cmdstat_evalsha:calls=(\d+)/.exec(await redis.info("commandstats"))!;
    assert.ok(Number(calls) < 300, `${calls} exchanges for 3,000 items`);
    assert.deepEqual([most, seen.length], [1, 3_000]);
    // If the machine stood still, items were given back, and come later.
    const back = new Set<string>();
    for await (const { payload, attempts } of admin.results()) if (attempts.length > 1) back.add(payload.toString());
    const inOrder = (items: string[]) => items.filter((item) => !back.has(item));
    assert.deepEqual(inOrder(seen), inOrder(text(0, 3_000)));
    assert.ok(back.size < 3_000 / 2, `${back.size} were given back`);
  });

  it("cause events in their order: an item's end before the next one's beginning", async () => {
    await redis.rpush(k.list, ...text(0, 3_000));
    const told: string[] = [];
    const onEvent = (event: ConsumerEvent) => {
      if (event.type === "working" || event.type === "done") told.push(`${event.type} ${event.id}`);
    };
    await consumer(() => undefined, { onEvent }).run();
    assert.equal(told.length, 6_000);
    const inOrder = told.flatMap((line) => (line.startsWith("working") ? [line, line.replace("working", "done")] : []));
    assert.deepEqual(told, inOrder);
  });

  it("are none if a handler is slow, or items are long", async () => {
    let most = 0;
    const handler = async () => {
      most = Math.max(most, await redis.zcard(k.leases));
    };
    await redis.rpush(k.list, ...text(0, QUICK));
    await consumer((_, context) => sleep(2).then(() => handler.call(context))).run();
    assert.equal(most, 1);
    await redis.flushall();
    await redis.rpush(k.list, ...text(0, QUICK).map((item) => item.padEnd(1024 * 1024)));
    await consumer(handler).run();
    assert.ok(most <= 2, `${most} of 1 MiB`);
  });

  it("are given back if one of them takes long after all, and run elsewhere, at no cost", async () => {
    await redis.rpush(k.list, ...text(0, QUICK), "slow", ...text(QUICK, 2 * QUICK));
    let [slow, release]: [boolean, () => void] = [false, () => {}];
    const gate = new Promise<void>((resolve) => (release = resolve));
    const first = consumer((item) => {
      if (item !== "slow") return Promise.resolve();
      slow = true;
      return gate;
    }).run();
    await until(async () => slow && (await ahead()));
    const elsewhere: string[] = [];
    const second = consumer((item) => void elsewhere.push(item), { pod: "pod-2" }).run();
    await until(async () => (await redis.hlen(k.results)) === 2 * QUICK);
    assert.deepEqual(elsewhere.toSorted(), text(QUICK, 2 * QUICK).toSorted());
    release();
    assert.deepEqual(await Promise.all([first, second]), ["finished", "finished"]);
    const { done, lost, retried } = await admin.counts();
    assert.deepEqual([done, lost, retried], [2 * QUICK + 1, 0, 0]);
  });

  it("are given back if the worker is stopped", async () => {
    await redis.rpush(k.list, ...text(0, QUICK), "sleep 500", ...text(QUICK, 2 * QUICK));
    const worker = startConsumer(server.url, { graceMs: 2_000 });
    assert.ok(await worker.saw(({ type, payload }) => type === "working" && payload === "sleep 500"));
    assert.ok(await ahead());
    worker.signal("SIGTERM");
    assert.equal((await worker.ended).code, 143);
    const { done, waiting, delayed, lost } = await admin.counts();
    assert.deepEqual([done, waiting + delayed, lost], [QUICK + 1, QUICK, 0]);
  });

  it("are taken up elsewhere while the loop is blocked, and not begun here any more", async () => {
    await redis.rpush(k.list, ...text(0, QUICK), "blocks", ...text(QUICK, 2 * QUICK));
    const here: string[] = [];
    const first = consumer((item) => {
      here.push(item);
      if (item === "blocks") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    });
    const run = first.run().then((end) => assert.equal(end, "finished"));
    const second = consumer((item) => sleep(2).then(() => item), { pod: "pod-2" }).run();
    await Promise.all([run, second]);
    const records: ItemRecord[] = [];
    for await (const record of admin.results()) records.push(record);
    assert.equal(records.length, 2 * QUICK + 1);
    assert.ok(records.every(({ outcome }) => outcome === "done"));
    // Each was begun in one of the two workers, none in both.
    const there = records
      .filter(({ attempts }) => attempts.at(-1)!.pod === "pod-2")
      .map(({ payload }) => payload.toString());
    assert.deepEqual([...here, ...there].toSorted(), [...text(0, 2 * QUICK), "blocks"].toSorted());
  });
});
