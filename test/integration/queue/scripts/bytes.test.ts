// Limits in bytes, beside those in items: of calls, of pages, and of Redis's memory.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer } from "../../../../queue/index.ts";
import { MAX_RESULT_BYTES } from "../../../../queue/limits.ts";
import { quick } from "../../../support/consuming.ts";
import { Peer } from "../../../support/peer.ts";
import { redisVersions } from "../../../support/redis.ts";
import { withQueue } from "../../../support/withQueue.ts";

const MIB = 1024 * 1024;
const large = Buffer.alloc(MIB, "x");
const bytesOf = (items: { payload: Buffer }[]) => items.reduce((sum, { payload }) => sum + payload.length, 0);

for (const version of redisVersions) {
  describe(`long items, ${version}`, () => {
    const queue = withQueue({ version });
    const { k } = queue;

    it("are reserved 4 MiB at a time, in their order, whatever they follow", async () => {
      const small = Array.from({ length: 30 }, (_, n) => `small ${n}`);
      await queue.redis.rpush(k.list, ...small, ...Array<Buffer>(20).fill(large), "last");
      const peer = new Peer(queue.redis);
      const seen: string[] = [];
      while (seen.length < 51) {
        const { reserved } = await peer.call({ reserve: 500, largest: seen.length === 0 ? 7 : 0 });
        assert.ok(bytesOf(reserved) <= 4 * MIB + 1_000, `${bytesOf(reserved)} bytes at once`);
        assert.ok(reserved.length > 0);
        seen.push(...reserved.map(({ payload }) => payload.toString("latin1", 0, 20)));
      }
      const head = large.toString("latin1", 0, 20);
      assert.deepEqual(seen, [...small, ...Array<string>(20).fill(head), "last"]);
    });

    it("are reserved 4 MiB at a time after a failure, too", async () => {
      await queue.redis.rpush(k.list, ...Array<Buffer>(12).fill(large));
      const peer = new Peer(queue.redis);
      for (let taken = 0; taken < 12;) {
        const items = await peer.reserve(500);
        taken += items.length;
        await peer.call({ acks: items.map((item) => peer.failed(item, 60_000)) });
      }
      for (const id of await queue.redis.zrange(k.delayed, "0", "-1")) await queue.redis.zadd(k.delayed, 0, id);
      const { reserved } = await new Peer(queue.redis).call({ reserve: 500 });
      assert.ok(bytesOf(reserved) <= 4 * MIB, `${bytesOf(reserved)} bytes at once`);
      assert.ok(reserved.length >= 3);
    });

    it("are read a few at a time by results, whatever they follow", async () => {
      const pipeline = queue.redis.pipeline().hset(k.batch, "schema", 1, "state", "open", "lastId", 6_040);
      for (let id = 1; id <= 6_000; id++) pipeline.hset(k.results, String(id), `d1\n0 0 1 s\n\nitem-${id}`);
      await pipeline.exec();
      for (let id = 6_001; id <= 6_040; id++) {
        await queue.redis.hset(k.results, String(id), Buffer.concat([Buffer.from("d1\n0 0 1 s\n\n"), large]));
      }
      await queue.redis.config("RESETSTAT");
      let [count, last] = [0, await outBytes()];
      let most = 0;
      for await (const { id } of queue.admin.results()) {
        assert.equal(id, ++count);
        const now = await outBytes();
        most = Math.max(most, now - last);
        last = now;
      }
      assert.equal(count, 6_040);
      assert.ok(most < 3 * MIB, `${most} bytes in one reply`);
    });
    const outBytes = async () => Number(/total_net_output_bytes:(\d+)/.exec(await queue.redis.info("stats"))![1]);

    it("are not sent with the list of the workers", async () => {
      await queue.redis.rpush(k.list, ...Array<Buffer>(8).fill(large));
      const peer = new Peer(queue.redis);
      const row = JSON.stringify({ pod: "pod-1", node: "", slots: 8, startedAt: 1, done: 0, failed: 0 });
      for (let calls = 0; calls < 2; calls++) await peer.call({ reserve: 500, heartbeat: row });
      const before = await outBytes();
      const [info] = await queue.admin.workers();
      assert.equal(info!.inFlight.length, 8);
      assert.equal(info!.inFlight[0]!.payload.toString(), "x".repeat(1_000));
      assert.ok((await outBytes()) - before < 20_000);
    });

    it("are put back a few at a time", async () => {
      const pipeline = queue.redis.pipeline().hset(k.batch, "schema", 1, "state", "open", "lastId", 30, "total", 30);
      const record = Buffer.concat([Buffer.from('f5 "no"\n0 0 1 s\n\n'), large]);
      for (let id = 1; id <= 30; id++) pipeline.hset(k.results, String(id), record).zadd(k.dead, id, String(id));
      await pipeline.exec();
      assert.equal(await queue.admin.requeueDead([1, 2, 3, 4, 5, 6, 7, 8]), 8);
      assert.equal(await queue.admin.requeueDead(), 22);
      assert.equal((await queue.places()).delayed, 30);
    });
  });
}

describe("long results", () => {
  const queue = withQueue();
  const { k } = queue;

  it("are refused beyond what one command may carry", () => {
    assert.throws(
      () => new Consumer({ ...quick("redis://x"), handler: () => {}, maxResultBytes: MAX_RESULT_BYTES + 1 }),
      { message: `Expected maxResultBytes to be at most ${MAX_RESULT_BYTES}, got ${MAX_RESULT_BYTES + 1}.` },
    );
  });

  it("go to Redis a few at a time", async () => {
    await queue.redis.rpush(k.list, ...Array.from({ length: 24 }, (_, n) => `${n}`));
    const value = "é".repeat(MAX_RESULT_BYTES);
    const handler = () => sleep(50).then(() => value);
    const options = { ...quick(queue.url), leaseMs: 10_000, concurrency: 24, maxResultBytes: MAX_RESULT_BYTES };
    assert.equal(await new Consumer({ ...options, handler }).run(), "finished");
    const { done, lost } = await queue.places();
    assert.deepEqual({ done, lost }, { done: 24, lost: 0 });
    const record = await queue.redis.hstrlen(k.results, "1");
    assert.ok(record > MAX_RESULT_BYTES - 1_000 && record < MAX_RESULT_BYTES + 1_000);
  });

  it("are an error of their own if they exceed a text of JavaScript, and not taken for a Redis that is away", async () => {
    await queue.redis.rpush(k.list, "long");
    const handler = () => {
      throw new Error("x".repeat(200 * MIB));
    };
    const retry = { maxAttempts: 1, backoff: { min: 1, max: 1 } };
    assert.equal(await new Consumer({ ...quick(queue.url), handler, retry }).run(), "finished");
    const [record] = await queue.records("dead");
    assert.equal(record!.reason!.length, 8192);
  });
});

describe("140 items of 1 MiB in a Redis of 256 MiB", () => {
  // 60 % of it may hold data, as in our Pod.
  const maxmemory = ["--maxmemory", String(Math.floor(0.6 * 256 * MIB)), "--maxmemory-policy", "noeviction"];
  const queue = withQueue({ args: ["--appendonly", "yes", "--appendfsync", "everysec", ...maxmemory] });
  const { k } = queue;
  const peakOf = (pid: number) => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]) / 1024;

  for (const concurrency of [32, 128, 256]) {
    it(`stay below 200 MiB, and are all done, with ${concurrency} slots`, async () => {
      await queue.server.kill();
      await queue.server.restart();
      await queue.until(() => queue.redis.status === "ready");
      await queue.redis.flushall("SYNC");
      for (let n = 0; n < 140; n++) await queue.redis.rpush(k.list, large);
      const handler = () => sleep(5);
      const options = { ...quick(queue.url), leaseMs: 10_000, concurrency };
      assert.equal(await new Consumer({ ...options, handler }).run(), "finished");
      const working = peakOf(queue.server.pid);
      for await (const { payload } of queue.admin.results()) assert.equal(payload.length, MIB);
      const reading = peakOf(queue.server.pid);
      console.log(`        ${working.toFixed(0)} MiB, with results ${reading.toFixed(0)} MiB`);
      assert.ok(working < 200, `${working} MiB`);
      assert.ok(reading - working < 16, `${reading - working} MiB more for the results`);
    });
  }
});
