// Every wait ends: for Redis at the start, in a handshake, or when it is full; and for a process that stood still.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer, resultsOf } from "../../../../queue/index.ts";
import type { ItemContext } from "../../../../queue/types.ts";
import { quick, startConsumer } from "../../../support/consuming.ts";
import { freePort } from "../../../support/freePort.ts";
import { gateProxy } from "../../../support/gateProxy.ts";
import { Peer } from "../../../support/peer.ts";
import { withQueue } from "../../../support/withQueue.ts";

const once = { maxAttempts: 1, backoff: { min: 1, max: 1 } };

describe("limits", () => {
  const queue = withQueue();
  const { k } = queue;
  afterEach(() => queue.redis.config("SET", "maxmemory", "0"));

  describe("a worker that is stopped while it connects", () => {
    it("ends, if Redis is there", async () => {
      const consumer = new Consumer({ ...quick(queue.url), handler: () => {} });
      const end = consumer.run();
      await consumer.stop(0);
      assert.equal(await end, "stopped");
      const clients = async () =>
        String(await queue.redis.client("LIST"))
          .trim()
          .split("\n").length;
      await queue.until(async () => (await clients()) === 1, "its connection stays");
    });

    it("ends, if Redis is away", async () => {
      const url = `redis://127.0.0.1:${await freePort()}`;
      const consumer = new Consumer({ ...quick(url), handler: () => {} });
      const end = consumer.run();
      await sleep(100);
      await consumer.stop(0);
      assert.equal(await end, "stopped");
    });
  });

  describe("a connection that goes silent", () => {
    it("in its handshake is given up", async () => {
      await queue.redis.rpush(k.list, "sleep 500", "a", "b");
      const proxy = await gateProxy(queue.server.port);
      const worker = startConsumer(proxy.url);
      await worker.saw(({ type }) => type === "working");
      proxy.freeze(proxy.connections + 1, proxy.connections + 2);
      proxy.close();
      proxy.open();
      assert.equal((await worker.ended).code, 0);
      assert.equal((await queue.places()).done, 3);
      await proxy.end();
    });

    it("while the scripts are loaded is given up", async () => {
      await queue.redis.rpush(k.list, "a");
      const proxy = await gateProxy(queue.server.port);
      proxy.onRequest = (text) => {
        if (/LOAD/i.test(text) && proxy.connections === 1) proxy.freeze(1);
      };
      assert.equal((await startConsumer(proxy.url).ended).code, 0);
      await proxy.end();
    });
  });

  it("a full Redis takes the end of the batch, pauses, and what the supervisor notes", async () => {
    await queue.redis.rpush(k.list, "sleep 2000");
    const busy = startConsumer(queue.url);
    await busy.saw(({ type }) => type === "working");
    const idle = startConsumer(queue.url);
    await idle.saw(({ type }) => type === "waiting");
    await queue.redis.config("SET", "maxmemory", "1");
    await queue.admin.pause();
    await queue.admin.resume();
    await queue.admin.supervision.takeOver("me");
    assert.deepEqual([(await busy.ended).code, (await idle.ended).code], [0, 0]);
    await queue.admin.supervision.persist("me");
    assert.equal((await queue.places()).state, "finished");
  });

  it("a Redis that always answers later than a worker first waits is waited for", async () => {
    const proxy = await gateProxy(queue.server.port);
    proxy.lagMs = 1_000; // a worker waits for 0.8 s
    await queue.redis.rpush(k.list, "a", "b");
    assert.equal((await startConsumer(proxy.url, { leaseMs: 2_000 }).ended).code, 0);
    const { done, lost } = await queue.places();
    assert.deepEqual({ done, lost }, { done: 2, lost: 0 });
    await proxy.end();
  });

  it("a process that stood still costs its handlers no time-out", async () => {
    await queue.redis.rpush(k.list, ...Array<string>(8).fill("sleep 400"));
    const worker = startConsumer(queue.url, { concurrency: 8, itemTimeoutMs: 2_000, leaseMs: 10_000, retry: once });
    await worker.saw(({ type }) => type === "working");
    await sleep(100);
    worker.signal("SIGSTOP");
    await sleep(3_000);
    worker.signal("SIGCONT");
    assert.equal((await worker.ended).code, 0);
    const { done, dead } = await queue.places();
    assert.deepEqual({ done, dead }, { done: 8, dead: 0 });
  });

  it("a handler that blocks past the time limit costs its neighbours none of their time", async () => {
    await queue.redis.rpush(k.list, "block", "hog", ...Array.from({ length: 6 }, (_, number) => `steps ${number}`));
    const turn = async (blockMs: number) => {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMs);
      await sleep(50);
    };
    const handler = async (item: string, { signal }: ItemContext) => {
      await sleep(50);
      if (item === "block") await turn(2_000);
      else for (let steps = 0; !signal.aborted && (item === "hog" || steps < 20); steps++) await turn(0);
    };
    const options = { concurrency: 8, itemTimeoutMs: 1_500, leaseMs: 10_000, retry: once };
    assert.equal(await new Consumer({ ...quick(queue.url), handler, ...options }).run(), "finished");
    const dead = await queue.records("dead");
    assert.deepEqual(
      dead.map(({ payload, reason }) => [payload.toString(), reason]),
      [["hog", "timed out after 1.5 s"]],
    );
  });

  it("a listener of its signal that throws fails its item, and no other", async () => {
    await queue.redis.rpush(k.list, "listener mine", ...Array<string>(7).fill("sleep 400"));
    const worker = startConsumer(queue.url, { concurrency: 8, itemTimeoutMs: 1_000, retry: once });
    assert.equal((await worker.ended).code, 0);
    const { done, dead, lost } = await queue.places();
    assert.deepEqual({ done, dead, lost }, { done: 7, dead: 1, lost: 0 });
  });

  it("a queue that is purged under its workers leaves no key behind", async () => {
    await queue.redis.rpush(k.list, "a");
    const peer = new Peer(queue.redis);
    const taken = await peer.reserve(1, { heartbeat: "{}" });
    await queue.admin.purge({ force: true });
    await peer.renew(taken, { heartbeat: "{}" });
    await peer.call({ acks: [peer.done(taken[0]!)], reserve: 1, heartbeat: "{}" });
    assert.equal(await queue.admin.supervision.holds("me"), true);
    assert.deepEqual(await queue.redis.keys("*"), []);
  });

  it("a result that was cut is read as text, and says so", async () => {
    await queue.redis.rpush(k.list, "a", "b");
    const handler = (item: string) => (item === "a" ? "x".repeat(2_000) : 1);
    assert.equal(await new Consumer({ ...quick(queue.url), handler }).run(), "finished");
    const before = process.env.WQ_REDIS_URL;
    process.env.WQ_REDIS_URL = queue.url;
    try {
      const results = [];
      for await (const { value, truncated } of resultsOf("job2")) results.push([String(value).slice(0, 3), truncated]);
      assert.deepEqual(results, [
        ['"xx', true],
        ["1", undefined],
      ]);
    } finally {
      if (before === undefined) delete process.env.WQ_REDIS_URL;
      else process.env.WQ_REDIS_URL = before;
    }
  });

  it("`finish` does not wait for a supervisor that is gone, also after the clock went back", async () => {
    await queue.redis.rpush(k.list, "a");
    await new Peer(queue.redis).reserve();
    await queue.redis.hset(k.batch, "endedAt", 1, "finishBy", "gone", "finishUntil", Date.now() + 3_600_000);
    const end = await queue.admin.supervision.finishOnce(1, "p", "me", () => Promise.resolve("output"));
    assert.equal(end, "output");
  });

  it("`finish` runs once for each end, also if two supervisors want to run it", async () => {
    await queue.redis.rpush(k.list, "a");
    await new Peer(queue.redis).reserve();
    const endAt = (time: number) => queue.redis.hset(k.batch, "endedAt", time);
    await endAt(1);
    let runs = 0;
    const run = async () => {
      runs++;
      await sleep(1_500);
      return `output ${runs}`;
    };
    const { supervision } = queue.admin;
    const both = await Promise.all(["a", "b"].map((id) => supervision.finishOnce(1, "p", id, run)));
    assert.deepEqual([both, await supervision.finishOnce(1, "p", "c", run)], [["output 1", "output 1"], "output 1"]);
    await endAt(2);
    assert.equal(await supervision.finishOnce(2, "p", "c", run), "output 2");
    await endAt(3);
    const last = supervision.finishOnce(3, "p", "d", run);
    await queue.until(() => runs === 3);
    await queue.admin.purge({ force: true });
    await last;
    assert.deepEqual(await queue.redis.keys("*"), [], "what came of the end of another run is written");
  });
});
