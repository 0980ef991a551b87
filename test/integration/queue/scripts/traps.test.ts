// Faults of other queues, each named by what goes wrong there; some are from ci-queue's tests.
import assert from "node:assert/strict";
import type { Redis } from "ioredis";
import type { QueueAdmin } from "../../../../queue/index.ts";
import { connect, keys, Seeder } from "../../../../queue/index.ts";
import { pass, startConsumer } from "../../../support/consuming.ts";
import { lossyProxy } from "../../../support/lossyProxy.ts";
import { Peer } from "../../../support/peer.ts";
import type { TestRedis } from "../../../support/redis.ts";
import { withQueue } from "../../../support/withQueue.ts";
import type { ReservedItem } from "../../../../queue/redis/callContent.ts";

const k = keys("job2");

for (const version of ["8", "7.0"] as const) {
  describe(`traps, Redis ${version}`, () => {
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

    /** Lets the leases of a run out while b lives. */
    const expire = async () => {
      await pass(redis, 8_500);
      await redis.hset(k.batch, "lastHeartbeat", String(Date.now()));
    };
    /** Has b reserve the item that a lost. */
    async function steal(): Promise<ReservedItem> {
      await expire();
      await b.reserve();
      await pass(redis, 1_500);
      const [stolen] = await b.reserve();
      return stolen!;
    }
    const brief = async () => {
      const { done, dead, delayed, running, waiting } = await admin.counts();
      return { done, dead, delayed, running, waiting };
    };
    const seed = (items: string[]) =>
      new Seeder({ url: server.url, queue: "job2" }).seed(items, { owner: "p/s", run: "1", seedId: "1" });

    describe("faults of other queues", () => {
      it("the reclaimer that ignores the maximum of attempts", async () => {
        await redis.rpush(k.list, "poison");
        let runs = 0;
        for (let round = 0; round < 10; round++) {
          runs += (await new Peer(redis).reserve()).length;
          await expire();
        }
        assert.equal(runs, 3);
        assert.deepEqual(await brief(), { done: 0, dead: 1, delayed: 0, running: 0, waiting: 0 });
      });

      it("the stale worker's acknowledgement that hides running work", async () => {
        await redis.rpush(k.list, "apple");
        const [mine] = await a.reserve();
        const stolen = await steal();
        const { kind, stale } = await a.call({ acks: [a.done(mine!, "a")], reserve: 1, exclusive: true });
        assert.deepEqual([kind, stale], ["ok", [a.member(mine!)]]);
        assert.deepEqual(await brief(), { done: 0, dead: 0, delayed: 0, running: 1, waiting: 0 });
        await b.call({ acks: [b.done(stolen, "b")] });
        for await (const { value } of admin.results()) assert.equal(value, '"b"');
      });

      it("the renewal for ever on an item that hangs", async () => {
        await redis.rpush(k.list, "hang", "apple");
        const worker = startConsumer(server.url, {
          itemTimeoutMs: 300,
          retry: { maxAttempts: 1, backoff: { min: 1, max: 1 } },
        });
        assert.equal((await worker.ended).code, 0);
        assert.deepEqual(await brief(), { done: 1, dead: 1, delayed: 0, running: 0, waiting: 0 });
        for await (const { reason } of admin.dead()) assert.equal(reason, "timed out after 0.3 s");
      });

      it("the late heartbeat that never beats again", async () => {
        await redis.rpush(k.list, "apple");
        const taken = await a.reserve();
        await expire();
        assert.deepEqual((await a.renew(taken)).gone, []);
        assert.deepEqual(await b.reserve(), []);
        await pass(redis, 6_000);
        assert.deepEqual((await a.renew(taken)).gone, []);
        await pass(redis, 6_000);
        await redis.hset(k.batch, "lastHeartbeat", String(Date.now()));
        assert.deepEqual(await b.reserve(), []);
        assert.deepEqual((await a.call({ acks: [a.done(taken[0]!)] })).stale, []);
      });

      it("the active entry without a lease", async () => {
        await redis.rpush(k.list, "apple", "banana", "cherry");
        const [apple, banana] = (await a.reserve(2)) as [ReservedItem, ReservedItem];
        await a.call({ acks: [a.failed(apple, 60_000), a.released(banana)] });
        await a.reserve(1);
        await expire();
        await b.reserve(3, { exclusive: false });
        const held = await Promise.all(
          [k.leases, k.delayed, k.suspects].map((key) => redis.zrange(key, "0", "-1")),
        ).then((sets) => sets.flat().map((member) => member.split(":")[0]));
        assert.deepEqual(held.sort(), (await redis.hkeys(k.items)).sort());
        assert.equal(held.length, 3);
      });

      it("the pop that is delivered to a closing socket", async () => {
        await redis.rpush(k.list, "apple");
        const proxy = await lossyProxy(server.port);
        const link = await connect(proxy.url);
        const dying = new Peer(link, { maxDowntimeMs: 1 });
        proxy.plan({ after: 0, lose: "reply", then: () => void proxy.close() });
        await assert.rejects(dying.reserve(), { name: "RedisUnavailableError" });
        link.disconnect();
        assert.deepEqual(await brief(), { done: 0, dead: 0, delayed: 0, running: 1, waiting: 0 });
        // It was not begun, so that is no loss.
        await expire();
        const [apple] = await b.reserve();
        assert.deepEqual([apple!.payload.toString(), apple!.losses, apple!.isTold], ["apple", 0, true]);
        assert.equal((await admin.counts()).lost, 0);
      });

      it("the check for the end that forgets delayed items", async () => {
        await redis.rpush(k.list, "apple");
        const [item] = await a.reserve();
        await a.call({ acks: [a.failed(item!, 60_000)] });
        const { kind, dueMs } = await b.call({ reserve: 1, exclusive: true });
        assert.equal(kind, "ok");
        assert.ok(dueMs > 0);
        await pass(redis, 60_000);
        const [again] = await b.reserve();
        assert.equal((await b.call({ acks: [b.done(again!)], reserve: 1, exclusive: true })).kind, "finished");
      });

      it("equal values that are removed together", async () => {
        await redis.rpush(k.list, "same", "same", "same");
        const taken = await a.reserve(3);
        await a.call({ acks: [a.done(taken[0]!)] });
        assert.deepEqual(await brief(), { done: 1, dead: 0, delayed: 0, running: 2, waiting: 0 });
      });

      it("empty at the start, and at once a success", async () => {
        assert.equal((await a.call({ reserve: 1, exclusive: true })).kind, "ok");
        assert.equal(await redis.exists(k.batch), 0);
        const worker = startConsumer(server.url);
        await worker.saw(({ type }) => type === "waiting");
        await redis.rpush(k.list, "apple");
        assert.equal((await worker.ended).code, 0);
        assert.equal((await brief()).done, 1);
      });

      it("the last success that stops the replacement of pods", async () => {
        await redis.rpush(k.list, "sleep 60000");
        const holder = startConsumer(server.url);
        await holder.saw(({ type }) => type === "working");
        await redis.rpush(k.list, "apple");
        const other = startConsumer(server.url);
        await other.saw(({ payload, type }) => type === "done" && payload === "apple");
        holder.signal("SIGKILL");
        // If it had left with code 0 at the empty list, no worker would run this item again.
        const again = await other.saw(({ payload, type }) => type === "working" && payload === "sleep 60000");
        assert.equal(again?.attempt, 2);
        other.signal("SIGKILL");
        assert.equal((await other.ended).code, null);
      });

      it("the vanished Job that is executed again", async () => {
        await seed(["apple", "banana"]);
        assert.equal((await startConsumer(server.url).ended).code, 0);
        await seed(["apple", "banana"]);
        const again = startConsumer(server.url);
        assert.equal((await again.ended).code, 0);
        assert.deepEqual(
          again.events.filter(({ type }) => type === "working"),
          [],
        );
      });
    });

    describe("ci-queue's", () => {
      it("a stolen item's acknowledgement does not remove the running entry", async () => {
        await redis.rpush(k.list, "apple");
        const [mine] = await a.reserve();
        const stolen = await steal();
        await a.call({ acks: [a.done(mine!)] });
        assert.notEqual(await redis.zscore(k.leases, b.member(stolen)), null);
      });

      it("a stolen item's requeue is rejected by the ownership check", async () => {
        await redis.rpush(k.list, "apple");
        const [mine] = await a.reserve();
        await steal();
        for (const how of [a.failed(mine!), a.failed(mine!, "dead"), a.released(mine!)]) {
          assert.deepEqual((await a.call({ acks: [how] })).stale, [a.member(mine!)]);
        }
        assert.deepEqual(await brief(), { done: 0, dead: 0, delayed: 0, running: 1, waiting: 0 });
      });

      it("it is not finished while a stolen item is in flight", async () => {
        await redis.rpush(k.list, "apple");
        const [mine] = await a.reserve();
        const stolen = await steal();
        assert.equal((await a.call({ acks: [a.done(mine!)], reserve: 1, exclusive: true })).kind, "ok");
        assert.equal((await new Peer(redis).call({ reserve: 1, exclusive: true })).kind, "ok");
        assert.equal((await b.call({ acks: [b.done(stolen)], reserve: 1, exclusive: true })).kind, "finished");
      });

      it("it is not finished while it is not filled", async () => {
        await seed(["apple"]);
        await redis.hset(k.batch, "seeded", "0");
        const [item] = await a.reserve();
        assert.equal((await a.call({ acks: [a.done(item!)], reserve: 1, exclusive: true })).kind, "ok");
        await redis.hset(k.batch, "state", "seeding");
        assert.equal((await a.call({ reserve: 1, exclusive: true })).kind, "ok");
        await redis.hset(k.batch, "state", "open", "seeded", "1");
        assert.equal((await a.call({ reserve: 1, exclusive: true })).kind, "finished");
      });

      it("many workers that steal from each other: each item is recorded once, by its last owner", async () => {
        const items = 300;
        await seed(Array.from({ length: items }, (_, n) => `item-${n}`));
        let accepted = 0;
        let refused = 0;
        let finished = 0;
        const link = await Promise.all(Array.from({ length: 8 }, () => connect(server.url)));
        const ended = Promise.all(
          link.map(async (connection, who) => {
            const peer = new Peer(connection, { leaseMs: 50 }); // lost after 40 ms, again and again
            for (let turn = who; finished === 0; turn++) {
              const { kind, reserved: taken } = await peer.call({ reserve: 1 + (turn % 3), exclusive: true });
              if (kind === "finished") finished++;
              if (who < 4 && turn % 8 === 0) await new Promise((resolve) => setTimeout(resolve, 70));
              const { stale } = await peer.call({ acks: taken.map((one) => peer.done(one)) });
              accepted += taken.length - stale.length;
              refused += stale.length;
            }
          }),
        );
        await ended;
        for (const connection of link) connection.disconnect();
        const { done, dead } = await admin.counts();
        assert.equal(done + dead, items);
        assert.equal(accepted, done);
        assert.ok(refused > 0, "nothing was stolen");
      });
    });
  });
}
