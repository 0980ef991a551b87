import assert from "node:assert/strict";
import type { Redis } from "ioredis";
import type { QueueAdmin } from "../../../../queue/index.ts";
import { connect, keys, Seeder } from "../../../../queue/index.ts";
import { pass } from "../../../support/consuming.ts";
import { lossyProxy } from "../../../support/lossyProxy.ts";
import { Peer } from "../../../support/peer.ts";
import type { TestRedis } from "../../../support/redis.ts";
import { withQueue } from "../../../support/withQueue.ts";
import type { ReservedItem } from "../../../../queue/redis/callContent.ts";

const k = keys("job2");
const ids = (taken: ReservedItem[]) => taken.map(({ id }) => id);
const texts = (taken: ReservedItem[]) => taken.map(({ payload }) => payload.toString());

for (const version of ["8", "7.0"] as const) {
  describe(`calls, Redis ${version}`, () => {
    const queue = withQueue({ version });
    let server: TestRedis;
    let redis: Redis;
    let admin: QueueAdmin;
    let a: Peer;
    let b: Peer;

    before(() => void ({ server, redis, admin } = queue));
    beforeEach(() => {
      a = new Peer(redis);
      b = new Peer(redis);
    });

    /** Invariants after every step. */
    async function whole(): Promise<void> {
      const [leases, delayed, suspects, items, results, waiting] = await Promise.all([
        redis.zrange(k.leases, "0", "-1"),
        redis.zrange(k.delayed, "0", "-1"),
        redis.zrange(k.suspects, "0", "-1"),
        redis.hkeys(k.items),
        redis.hkeys(k.results),
        redis.llen(k.list),
      ]);
      const held = [...leases.map((member) => member.split(":")[0]!), ...delayed, ...suspects];
      assert.deepEqual(
        held.sort(),
        items.sort(),
        "each item is in exactly one place, and none is active without lease",
      );
      assert.deepEqual(
        results.filter((id) => items.includes(id)),
        [],
      );
      const { total, external } = await admin.counts();
      assert.equal(waiting + held.length + results.length, total - external);
    }
    afterEach(whole);

    it("gives the items in the order of the list, each once, with ids from 1", async () => {
      await redis.rpush(k.list, "apple", "banana", "", "apple");
      assert.deepEqual(texts(await a.reserve(2)), ["apple", "banana"]);
      const rest = await b.reserve(5);
      assert.deepEqual(
        [ids(rest), texts(rest)],
        [
          [3, 4],
          ["", "apple"],
        ],
      );
    });

    it("keeps many items in flight in tables, and nothing else in them", async () => {
      await redis.rpush(k.list, ...Array.from({ length: 100 }, (_, n) => `${n}`));
      await a.reserve(64);
      assert.equal(await redis.object("ENCODING", k.items), "hashtable");
      assert.equal(await redis.object("ENCODING", k.leases), "skiplist");
      assert.deepEqual([await redis.hlen(k.items), await redis.zcard(k.leases)], [64, 64]);
    });

    it("gives any bytes back as they were", async () => {
      const payload = Buffer.from([0, 255, 10, 10, 13, 128, 10]);
      await redis.rpush(k.list, payload);
      const [first] = await a.reserve();
      assert.deepEqual(first!.payload, payload);
      await a.call({ acks: [a.failed(first!)] });
      const [second] = await a.reserve();
      assert.deepEqual([second!.payload, second!.failures], [payload, 1]);
    });

    it("a call sent twice reserves once, and gets the same answer", async () => {
      await redis.rpush(k.list, "apple", "banana", "cherry");
      const first = await a.call({ reserve: 2, number: 1 });
      const second = await a.call({ reserve: 2, number: 1 });
      assert.equal(second.kind, "again");
      assert.deepEqual([ids(second.reserved), texts(second.reserved)], [ids(first.reserved), texts(first.reserved)]);
      assert.equal(await redis.llen(k.list), 1);
    });

    it("a call sent twice settles once and costs no further attempt", async () => {
      await redis.rpush(k.list, "apple");
      const [item] = await a.reserve();
      await a.call({ acks: [a.failed(item!)], number: 3 });
      assert.deepEqual((await a.call({ acks: [a.failed(item!)], number: 3 })).stale, []);
      const [again] = await a.call({ reserve: 1, number: 5 }).then(({ reserved: taken }) => taken);
      assert.equal(again!.failures, 1);
      assert.equal((await admin.counts()).retried, 1);
    });

    it("a repeated call does not return items that were lost meanwhile", async () => {
      await redis.rpush(k.list, "apple", "banana");
      await a.call({ reserve: 2, number: 1 });
      await pass(redis, 8_500);
      await redis.hset(k.batch, "lastHeartbeat", Date.now()); // others are alive
      await b.reserve(1, { exclusive: false });
      assert.deepEqual((await a.call({ reserve: 2, number: 1 })).reserved, []);
    });

    it("a copy that was stuck in a dead connection comes too late and does nothing", async () => {
      await redis.rpush(k.list, "apple", "banana");
      await a.call({ reserve: 1, number: 3 });
      const late = await a.call({ reserve: 1, number: 1 });
      assert.deepEqual([late.kind, late.reserved], ["old", []]);
      assert.equal(await redis.llen(k.list), 1);
    });

    it("a reply lost on the way leaves no lease without an owner", async () => {
      const items = Array.from({ length: 40 }, (_, n) => `item-${n}`);
      await redis.rpush(k.list, ...items);
      const proxy = await lossyProxy(server.port);
      const link = await connect(proxy.url);
      const worker = new Peer(link);
      const taken: ReservedItem[] = [];
      let losses = 0;
      for (let round = 0; round < 20; round++) {
        const lose = round % 2 ? "reply" : "request";
        proxy.plan({ after: 0, lose, then: () => losses++ });
        taken.push(...(await worker.reserve(2, { exclusive: false })));
      }
      await proxy.close();
      link.disconnect();
      assert.equal(losses, 20);
      assert.deepEqual(texts(taken), items);
      assert.equal(await redis.zcard(k.leases), 40);
    });

    it("a lease whose item was released and reserved by another worker is not renewed by the first", async () => {
      await redis.rpush(k.list, "apple");
      const [first] = await a.reserve();
      await a.call({ acks: [a.released(first!)] });
      const [second] = await b.reserve();
      await pass(redis, 3_000);
      const [, before] = await redis.zrange(k.leases, "0", "0", "WITHSCORES");
      assert.deepEqual((await a.renew([first!])).gone, [a.member(first!)]); // this call was under way
      assert.deepEqual(await redis.zrange(k.leases, "0", "-1", "WITHSCORES"), [b.member(second!), before]);
      assert.deepEqual((await b.renew([second!])).gone, []);
    });

    it("and if the first worker reserves the item again, its old lease still counts for nothing", async () => {
      await redis.rpush(k.list, "apple");
      const [first] = await a.reserve();
      await a.call({ acks: [a.released(first!)] });
      const [second] = await a.reserve();
      assert.equal(second!.failures + second!.losses, 0);
      assert.deepEqual((await a.call({ acks: [a.done(first!, "old")] })).stale, [a.member(first!)]);
      assert.deepEqual((await a.call({ acks: [a.done(second!, "new")] })).stale, []);
      for await (const { value } of admin.results()) assert.equal(value, '"new"');
    });

    it("an item lost once is tried again beside others, one lost twice runs alone: nothing beside it", async () => {
      await redis.rpush(k.list, "apple");
      const passHeard = async (ms: number) => {
        await pass(redis, ms);
        await redis.hset(k.batch, "lastHeartbeat", Date.now()); // others are alive
      };
      /** Somebody with other items in flight takes what is due, and vanishes with the apple. */
      const vanish = async (...others: string[]) => {
        if (others.length > 0) await redis.rpush(k.list, ...others);
        const taken = await a.reserve(5, { exclusive: false });
        assert.deepEqual(texts(taken).sort(), ["apple", ...others]);
        await a.call({ acks: taken.filter(({ payload }) => String(payload) !== "apple").map((item) => a.done(item)) });
        await passHeard(8_500);
        await b.call();
        await passHeard(1_500);
      };
      await vanish();
      await vanish("banana", "cherry");
      await redis.rpush(k.list, "date", "elder");
      assert.deepEqual(texts(await b.reserve(1, { exclusive: false })), ["date"]);
      const [apple, ...beside] = await new Peer(redis).reserve(5);
      assert.deepEqual([String(apple!.payload), apple!.losses, apple!.runsAlone, beside], ["apple", 2, true, []]);
    });

    it("lost for the third time it is dead, with pod and node and every attempt", async () => {
      await redis.rpush(k.list, "apple");
      for (const pod of ["pod-a", "pod-b", "pod-c"]) {
        const peer = new Peer(redis);
        await peer.call({ reserve: 1, exclusive: true, heartbeat: JSON.stringify({ pod, node: "node-7", slots: 1 }) });
        await pass(redis, 8_500);
        await redis.hset(k.batch, "lastHeartbeat", Date.now());
        await b.reserve(1, { exclusive: false });
        await pass(redis, 1_500);
      }
      assert.equal((await b.call({ reserve: 1, exclusive: true })).kind, "finished");
      const [record] = await queue.records("dead");
      assert.deepEqual(
        record!.attempts.map(({ outcome, pod, node }) => ({ outcome, pod, node })),
        ["pod-a", "pod-b", "pod-c"].map((pod) => ({ outcome: "lost", pod, node: "node-7" })),
      );
      assert.match(record!.reason!, /pod-c.*node-7/);
    });

    it("a released item costs nothing, however often", async () => {
      await redis.rpush(k.list, "apple");
      for (let times = 0; times < 20; times++) {
        const [item] = await a.reserve();
        assert.equal(item!.failures + item!.losses, 0);
        await a.call({ acks: [a.released(item!)] });
      }
      assert.deepEqual((await admin.counts()).retried, 0);
    });

    it("nothing is reclaimed right after Redis was away: live workers get time to renew", async () => {
      await redis.rpush(k.list, "apple");
      const taken = await a.reserve();
      await pass(redis, 60_000); // nobody was heard for a minute
      assert.deepEqual(await b.reserve(), []);
      assert.deepEqual((await a.renew(taken)).gone, []);
      await pass(redis, 6_000);
      assert.deepEqual(await b.reserve(), []);
      assert.deepEqual((await a.call({ acks: [a.done(taken[0]!)] })).stale, []);
    });

    it("after half a lease, the items of dead workers come back, at no cost", async () => {
      await redis.rpush(k.list, "apple");
      await a.reserve();
      await pass(redis, 60_000);
      await b.reserve();
      await pass(redis, 4_000);
      assert.deepEqual(await b.reserve(), []);
      await pass(redis, 1_500);
      const [apple] = await b.reserve();
      assert.deepEqual([apple!.payload.toString(), apple!.failures, apple!.losses], ["apple", 0, 0]);
      assert.equal((await admin.counts()).lost, 0);
    });

    it("aborts when more are dead than maxFailures allows, says why, and settles what is in flight", async () => {
      a = new Peer(redis, { maxFailures: 1 });
      await redis.rpush(k.list, "apple", "banana", "cherry", "date");
      const [apple, banana, cherry] = (await a.reserve(3)) as [ReservedItem, ReservedItem, ReservedItem];
      assert.equal((await a.call({ acks: [a.failed(apple, "dead")] })).kind, "ok");
      assert.equal((await a.call({ acks: [a.failed(banana, "dead")], reserve: 5 })).kind, "aborted");
      assert.deepEqual((await a.call({ acks: [a.done(cherry)] })).stale, []);
      const { state, reason, done, dead, waiting } = await admin.counts();
      assert.deepEqual(
        { state, reason, done, dead, waiting },
        {
          state: "aborted",
          reason: "2 items failed for good, more than maxFailures allows (1)",
          done: 1,
          dead: 2,
          waiting: 1,
        },
      );
    });

    it("counts the items that others took and pushed", async () => {
      await redis.rpush(k.list, "apple", "banana", "cherry");
      await a.reserve();
      await redis.lpop(k.list);
      await a.reserve(0);
      await redis.rpush(k.list, "date");
      await a.reserve();
      const { total, external, waiting, running } = await admin.counts();
      assert.deepEqual({ total, external, waiting, running }, { total: 4, external: 1, waiting: 1, running: 2 });
    });

    it("reserves nothing while paused, and goes on afterwards", async () => {
      await redis.rpush(k.list, "apple");
      await a.reserve(0);
      await admin.pause();
      assert.deepEqual(await a.reserve(), []);
      await admin.resume();
      assert.deepEqual(texts(await a.reserve()), ["apple"]);
    });

    it("a full Redis reserves nothing and still takes outcomes", async () => {
      await redis.rpush(k.list, "apple", "banana");
      const [item] = await a.reserve();
      await redis.config("SET", "maxmemory", "1mb");
      try {
        assert.deepEqual((await a.call({ reserve: 1 })).reserved, []);
        assert.deepEqual((await a.call({ acks: [a.done(item!)], reserve: 1 })).reserved, []);
      } finally {
        await redis.config("SET", "maxmemory", "0");
      }
      const { done, waiting } = await admin.counts();
      assert.deepEqual({ done, waiting }, { done: 1, waiting: 1 });
    });

    it("after a new run, outcomes of the old one are stale", async () => {
      const seeder = new Seeder({ url: server.url, queue: "job2" });
      await seeder.seed(["apple"], { owner: "p/s", run: "1", seedId: "1" });
      const [old] = await a.reserve();
      await seeder.seed(["apple"], { owner: "p/s", run: "2", seedId: "2" });
      assert.deepEqual((await a.call({ acks: [a.done(old!)] })).stale, [a.member(old!)]);
      assert.deepEqual((await a.renew([old!])).gone, [a.member(old!)]);
      const [fresh] = await b.reserve();
      await b.call({ acks: [b.done(fresh!)] });
      assert.equal((await b.call({ reserve: 1 })).kind, "finished");
    });
  });
}
