import assert from "node:assert/strict";
import { Consumer } from "../../../../queue/index.ts";
import { quick, startConsumer } from "../../../support/consuming.ts";
import { Peer } from "../../../support/peer.ts";
import { withQueue } from "../../../support/withQueue.ts";

const LEASE_MS = 2_000;

describe("an item whose worker vanished", () => {
  const queue = withQueue();

  it("is begun as soon as a worker is free, however many wait", async () => {
    await queue.redis.rpush(queue.k.list, "die");
    const doomed = startConsumer(queue.url, { leaseMs: LEASE_MS });
    await doomed.ended;
    await queue.redis.rpush(queue.k.list, ...Array<string>(400).fill("sleep 200"));
    const workers = ["a", "b"].map((pod) => startConsumer(queue.url, { leaseMs: LEASE_MS, concurrency: 4, pod }));
    await Promise.race(
      workers.map((worker) => worker.saw(({ payload, type }) => type === "working" && payload === "die")),
    );
    const { waiting } = await queue.places();
    assert.ok(waiting > 200, `${waiting} were waiting`);
    for (const worker of workers) worker.signal("SIGKILL");
    await Promise.all(workers.map(({ ended }) => ended));
  });

  it("keeps no slot free for its last attempt: that comes when a worker has nothing else", async () => {
    const options = { leaseMs: 5_000, maxLosses: 2 }; // a slow machine is no silence
    await queue.redis.rpush(queue.k.list, "lost", "long");
    await new Peer(queue.redis, options).reserve();
    const begun: string[] = [];
    const gate = Promise.withResolvers<void>();
    const handler = (item: string) => (begun.push(item), item === "long" && gate.promise);
    const worker = new Consumer({ ...quick(queue.url), ...options, handler, concurrency: 2 }).run();
    await queue.until(async () => (await queue.redis.zcard(queue.k.suspects)) === 1);
    await queue.redis.rpush(queue.k.list, "next");
    await queue.until(() => begun.includes("next"), "a slot idles");
    gate.resolve();
    assert.equal(await worker, "finished");
    assert.deepEqual(begun, ["long", "next", "lost"]);
  });

  it("runs beside others: all 32 of a worker that was killed are in flight again at once", async () => {
    const options = { leaseMs: LEASE_MS, concurrency: 32 };
    await queue.redis.rpush(queue.k.list, ...Array<string>(32).fill("deaf 3000"));
    const witness = new Peer(queue.redis, options); // what ran out in a silence would be no loss
    const heard = setInterval(() => void witness.renew([]).catch(() => {}), 200);
    const doomed = startConsumer(queue.url, options);
    const begun = async () =>
      (await queue.redis.zrange(queue.k.leases, "0", "-1", "WITHSCORES")).join(" ").match(/\.5/g);
    await queue.until(async () => (await begun())?.length === 32);
    doomed.signal("SIGKILL");
    const worker = startConsumer(queue.url, { ...options, pod: "pod-2" });
    await queue.until(async () => {
      const { running, lost } = await queue.places();
      return running === 32 && lost === 32;
    }, "they run one by one");
    assert.equal((await worker.ended).code, 0);
    clearInterval(heard);
    assert.equal((await queue.places()).done, 32);
  });

  it("does not blame its neighbours: one poison among 32 in flight, 31 done, 1 dead", async () => {
    const items = Array.from({ length: 32 }, (_, n) => (n === 31 ? "die" : "sleep 200"));
    await queue.redis.rpush(queue.k.list, ...items);
    const witness = startConsumer(queue.url, { leaseMs: LEASE_MS, pod: "witness" });
    const deaths = async () => (await startConsumer(queue.url, { leaseMs: LEASE_MS, concurrency: 32 }).ended).code;
    // Starts a worker again whenever it dies, as a pod is.
    let code: number | null = null;
    for (let starts = 1; code !== 0; starts++, code = await deaths()) assert.ok(starts < 8, "it killed too often");
    await witness.ended;
    const { done, dead } = await queue.places();
    assert.deepEqual({ done, dead }, { done: 31, dead: 1 });
    const [poison] = await queue.records("dead");
    assert.equal(poison!.payload.toString(), "die");
    assert.equal(poison!.attempts.filter(({ outcome }) => outcome === "lost").length, 3);
  });

  it("ends a batch in which workers vanish on every item, with that reason", async () => {
    await queue.redis.rpush(queue.k.list, ...Array.from({ length: 100 }, () => "die"));
    // One worker at a time, started again and again. None ever gets further than to an item that kills it.
    let starts = 0;
    for (;;) {
      const { code } = await startConsumer(queue.url, { leaseMs: 3_000, pod: `pod-${starts}` }).ended;
      if (code === 0) break;
      assert.ok(++starts < 200, `it went on for ever: ${JSON.stringify(await queue.redis.hgetall(queue.k.batch))}`);
    }
    const { state, reason, done } = await queue.admin.counts();
    assert.deepEqual({ state, done }, { state: "aborted", done: 0 });
    assert.match(reason!, /^workers vanish: \d+ times in a row, on \d+ items, they ended without a word/);
  });

  it("does not end a batch in which items further down the list are good", async () => {
    await queue.redis.rpush(queue.k.list, ...Array<string>(4).fill("die"), ...Array<string>(20).fill("apple"));
    for (let starts = 0; ; starts++) {
      const { code } = await startConsumer(queue.url, { leaseMs: 1_000, pod: `pod-${starts}` }).ended;
      if (code === 0) break;
      assert.ok(starts < 200, "it went on for ever");
    }
    const { state, reason, done, dead } = await queue.admin.counts();
    assert.deepEqual({ state, reason, done, dead }, { state: "finished", reason: undefined, done: 20, dead: 4 });
  });
});
