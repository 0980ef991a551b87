import assert from "node:assert/strict";
import { Seeder } from "../../../../queue/index.ts";
import { startConsumer } from "../../../support/consuming.ts";
import { Peer } from "../../../support/peer.ts";
import { withQueue } from "../../../support/withQueue.ts";

const is = (wanted: string) => (payload: Buffer) => payload.toString() === wanted;

describe("cancel", () => {
  const queue = withQueue();
  const seed = (items: string[]) =>
    new Seeder({ url: queue.url, queue: "job2" }).seed(items, { owner: "p/s", run: "1", seedId: "1" });

  it("keeps waiting items from ever being started, and names who cancelled them", async () => {
    await queue.redis.rpush(queue.k.list, "a", "b", "c", "b", "x".repeat(40_000));
    assert.equal(await queue.admin.cancel(is("b"), "ada"), 2);
    assert.equal(await queue.admin.cancel((payload) => payload.length > 1_000, "ada"), 1);
    assert.deepEqual(await queue.redis.lrange(queue.k.list, 0, -1), ["a", "c"]);
    assert.equal((await startConsumer(queue.url).ended).code, 0);
    const { state, done, dead } = await queue.places();
    assert.deepEqual({ state, done, dead }, { state: "finished", done: 2, dead: 3 });
    const records = await queue.records("dead");
    assert.deepEqual(
      records.map(({ payload, reason, attempts }) => [payload.length, reason, attempts]).sort(),
      [1, 1, 40_000].map((length) => [length, "cancelled by ada", []]),
    );
    const { total, external } = await queue.admin.counts();
    assert.deepEqual([total, external], [5, 0]);
  });

  it("gives up delayed items, and items in flight, whose worker learns of it within 3 s", async () => {
    await queue.redis.rpush(queue.k.list, "fail no", "sleep 60000", "apple");
    const worker = startConsumer(queue.url, {
      leaseMs: 60_000,
      concurrency: 2,
      retry: { maxAttempts: 3, backoff: { min: 60_000, max: 60_000 } },
    });
    await queue.until(async () => (await queue.places()).done === 1);
    const start = performance.now();
    assert.equal(await queue.admin.cancel(() => true, "bob"), 2);
    // Its handler ends by its signal. Then nothing is left to do, and the batch is over.
    assert.equal((await worker.ended).code, 0);
    assert.ok(performance.now() - start < 6_000);
    const { state, done, dead } = await queue.places();
    assert.deepEqual({ state, done, dead }, { state: "finished", done: 1, dead: 2 });
    for (const { reason } of await queue.records("dead")) assert.equal(reason, "cancelled by bob");
  });

  it("ends a batch if nothing is left, also without a worker", async () => {
    await seed(["a", "b"]);
    assert.equal(await queue.admin.cancel(is("a"), "ada"), 1);
    assert.equal((await queue.admin.counts()).state, "open");
    assert.equal(await queue.admin.cancel(() => true, "ada"), 1);
    const { state, endedAt } = await queue.admin.counts();
    assert.equal(state, "finished");
    assert.ok(endedAt > 0);
  });

  it("leaves done items alone, and does not count against maxFailures", async () => {
    await queue.redis.rpush(queue.k.list, "a", "b", "c");
    const peer = new Peer(queue.redis, { maxFailures: 0 });
    const [a] = await peer.reserve();
    await peer.call({ acks: [peer.done(a!)] });
    assert.equal(await queue.admin.cancel(() => true, "ada"), 2);
    assert.equal((await peer.call({ reserve: 1 })).kind, "finished");
    assert.equal((await queue.places()).done, 1);
  });

  it("is not undone by the next seeding, as a failure is, but by a retry", async () => {
    await seed(["a", "b"]);
    const peer = new Peer(queue.redis);
    const [a] = await peer.reserve();
    await peer.call({ acks: [peer.failed(a!, "dead")] });
    assert.equal(await queue.admin.cancel(is("b"), "ada"), 1);
    const again = new Seeder({ url: queue.url, queue: "job2" });
    const report = await again.seed(["a", "b"], { owner: "p/s", run: "1", seedId: "2" });
    assert.equal(report.requeued, 1);
    assert.deepEqual(
      (await queue.records("dead")).map(({ payload }) => payload.toString()),
      ["b"],
    );
    assert.equal(await queue.admin.retry(), 1);
    assert.equal((await queue.places()).dead, 0);
  });

  it("leaves no trace in items that are put back", async () => {
    await queue.redis.rpush(queue.k.list, "a");
    await queue.admin.cancel(() => true, "ada");
    assert.equal(await queue.admin.requeueDead(), 1);
    assert.equal((await startConsumer(queue.url).ended).code, 0);
    const [record] = await queue.records();
    assert.deepEqual([record!.outcome, record!.attempts.length], ["done", 1]);
  });

  it("finds all of many in a list that others take from", async () => {
    await seed(Array.from({ length: 5_000 }, (_, n) => `${n % 2 ? "left" : "right"} ${n}`));
    const worker = startConsumer(queue.url, { concurrency: 4 });
    await worker.saw(({ type }) => type === "done");
    const cancelled = await queue.admin.cancel((payload) => payload.toString().startsWith("left"), "ada");
    assert.equal((await worker.ended).code, 0);
    const { state, done, dead } = await queue.places();
    assert.deepEqual([state, done + dead, dead], ["finished", 5_000, cancelled]);
    assert.ok(cancelled > 0);
    // The fields of the batch match the list, so a seeding of the same items changes nothing.
    await seed(Array.from({ length: 5_000 }, (_, n) => `${n % 2 ? "left" : "right"} ${n}`));
    assert.equal((await queue.admin.counts()).total, 5_000);
  });

  it("keeps one range for external items, however many of them it gives up", async () => {
    await seed(["a"]);
    await queue.redis.rpush(queue.k.list, ...Array.from({ length: 3_000 }, (_, n) => `x ${n}`));
    assert.equal(await queue.admin.cancel((payload) => payload.toString() !== "a", "ada"), 3_000);
    assert.equal(await queue.redis.hget(queue.k.batch, "externalRanges"), "1-3000,");
    await seed(["a", "b"]);
    assert.deepEqual(await queue.redis.lrange(queue.k.list, 0, -1), ["a", "b"]);
  });

  it("does not take an external item for one of the source", async () => {
    await seed(["a", "b", "c"]);
    await queue.redis.rpush(queue.k.list, "x", "y");
    await seed(["a", "b", "c", "d", "e"]);
    await queue.redis.rpush(queue.k.list, "z");
    for (const gone of ["y", "b", "z", "d"]) assert.equal(await queue.admin.cancel(is(gone), "ada"), 1);
    await seed(["c"]);
    assert.deepEqual(await queue.redis.lrange(queue.k.list, 0, -1), ["c", "x"]);
  });
});
