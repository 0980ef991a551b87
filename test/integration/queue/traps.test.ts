// Traps that real projects fell into, each under its name: shared/research/queues.md, table 4D, and ci-queue's tests.
import assert from "node:assert/strict";
import type { Redis } from "ioredis";
import { connect, keys, QueueAdmin, Seeder } from "../../../queue/index.ts";
import type { ReservedItem } from "../../../queue/consumer/activeItem.ts";
import { pass, startConsumer } from "../../support/consuming.ts";
import { lossyProxy } from "../../support/lossyProxy.ts";
import { Peer } from "../../support/peer.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

const k = keys("job2");

for (const version of ["8", "7.0"] as const) {
  describe(`traps, Redis ${version}`, function () {
    this.timeout(30_000);
    let server: TestRedis;
    let redis: Redis;
    let admin: QueueAdmin;
    let a: Peer;
    let b: Peer;

    before(async () => {
      server = await startRedis({ version });
      redis = await connect(server.url);
      admin = await QueueAdmin.open(server.url, "job2");
    });
    beforeEach(async () => {
      await redis.flushall();
      a = new Peer(redis);
      b = new Peer(redis);
    });
    after(async () => {
      await admin.close();
      redis.disconnect();
      await server.stop();
    });

    /** Lets a's leases run out while b lives. */
    const expire = async () => {
      await pass(redis, 8_500);
      await redis.hset(k.batch, "lastHeartbeat", String(Date.now()));
    };
    /** b takes what a lost. */
    async function steal(): Promise<ReservedItem> {
      await expire();
      await b.take();
      await pass(redis, 1_500);
      const [stolen] = await b.take();
      return stolen!;
    }
    const brief = async () => {
      const { done, dead, delayed, running, waiting } = await admin.counts();
      return { done, dead, delayed, running, waiting };
    };
    const seed = (items: string[]) =>
      new Seeder({ url: server.url, queue: "job2" }).seed(items, { owner: "p/s", run: "1", seedId: "1" });

    describe("table 4D", () => {
      it("the reclaimer that ignores the maximum of attempts", async () => {
        await redis.rpush(k.list, "poison");
        let runs = 0;
        for (let round = 0; round < 10; round++) {
          runs += (await new Peer(redis).take()).length;
          await expire();
        }
        assert.equal(runs, 2);
        assert.deepEqual(await brief(), { done: 0, dead: 1, delayed: 0, running: 0, waiting: 0 });
      });

      it("the stale worker's acknowledgement that hides running work", async () => {
        await redis.rpush(k.list, "apple");
        const [mine] = await a.take();
        const stolen = await steal();
        const { kind, stale } = await a.say([a.done(mine!, "a")], 1, { idle: true });
        assert.deepEqual([kind, stale], ["ok", [a.member(mine!)]]);
        assert.deepEqual(await brief(), { done: 0, dead: 0, delayed: 0, running: 1, waiting: 0 });
        await b.say([b.done(stolen, "b")]);
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

      it("the renewal thread that dies while the worker lives", async () => {
        await redis.rpush(k.list, "thread");
        const worker = startConsumer(server.url);
        const { code, stderr } = await worker.ended;
        assert.notEqual(code, 0);
        assert.match(stderr, /The thread that renews the leases ended/);
      });

      it("the late heartbeat that never beats again", async () => {
        await redis.rpush(k.list, "apple");
        const taken = await a.take();
        await expire();
        assert.deepEqual(await a.renew(taken), []);
        assert.deepEqual(await b.take(), []);
        await pass(redis, 6_000);
        assert.deepEqual(await a.renew(taken), []);
        await pass(redis, 6_000);
        await redis.hset(k.batch, "lastHeartbeat", String(Date.now()));
        assert.deepEqual(await b.take(), []);
        assert.deepEqual((await a.say([a.done(taken[0]!)])).stale, []);
      });

      it("the active entry without a lease", async () => {
        await redis.rpush(k.list, "apple", "banana", "cherry");
        const [apple, banana] = (await a.take(2)) as [ReservedItem, ReservedItem];
        await a.say([a.failed(apple, 60_000), a.released(banana)], 0);
        await a.take(1);
        await expire();
        await b.take(3, false);
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
        const dying = new Peer(link, { awayMs: 1 });
        proxy.plan({ after: 0, lose: "reply", then: () => void proxy.close() });
        await assert.rejects(dying.take(), { name: "RedisAway" });
        link.disconnect();
        assert.deepEqual(await brief(), { done: 0, dead: 0, delayed: 0, running: 1, waiting: 0 });
        assert.equal((await steal()).payload.toString(), "apple");
      });

      it("the done-check that is blind to retries that wait", async () => {
        await redis.rpush(k.list, "apple");
        const [item] = await a.take();
        await a.say([a.failed(item!, 60_000)]);
        const { kind, waitMs: wait } = await b.say([], 1, { idle: true });
        assert.equal(kind, "ok");
        assert.ok(wait > 0);
        await pass(redis, 60_000);
        const [again] = await b.take();
        assert.equal((await b.say([b.done(again!)], 1, { idle: true })).kind, "finished");
      });

      it("equal values that are removed together", async () => {
        await redis.rpush(k.list, "same", "same", "same");
        const taken = await a.take(3);
        await a.say([a.done(taken[0]!)]);
        assert.deepEqual(await brief(), { done: 1, dead: 0, delayed: 0, running: 2, waiting: 0 });
      });

      it("empty at the start, and at once a success", async () => {
        assert.equal((await a.say([], 1, { idle: true })).kind, "ok");
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
        // Had it left with code 0 when the list was empty, nobody would take this up again.
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
        const [mine] = await a.take();
        const stolen = await steal();
        await a.say([a.done(mine!)]);
        assert.notEqual(await redis.zscore(k.leases, b.member(stolen)), null);
      });

      it("a stolen item's requeue is rejected by the ownership check", async () => {
        await redis.rpush(k.list, "apple");
        const [mine] = await a.take();
        await steal();
        for (const how of [a.failed(mine!), a.failed(mine!, "dead"), a.released(mine!)]) {
          assert.deepEqual((await a.say([how])).stale, [a.member(mine!)]);
        }
        assert.deepEqual(await brief(), { done: 0, dead: 0, delayed: 0, running: 1, waiting: 0 });
      });

      it("it is not finished while a stolen item is in hand", async () => {
        await redis.rpush(k.list, "apple");
        const [mine] = await a.take();
        const stolen = await steal();
        assert.equal((await a.say([a.done(mine!)], 1, { idle: true })).kind, "ok");
        assert.equal((await new Peer(redis).say([], 1, { idle: true })).kind, "ok");
        assert.equal((await b.say([b.done(stolen)], 1, { idle: true })).kind, "finished");
      });

      it("it is not finished while it is not filled", async () => {
        await seed(["apple"]);
        await redis.hset(k.batch, "seeded", "0");
        const [item] = await a.take();
        assert.equal((await a.say([a.done(item!)], 1, { idle: true })).kind, "ok");
        await redis.hset(k.batch, "state", "seeding");
        assert.equal((await a.say([], 1, { idle: true })).kind, "ok");
        await redis.hset(k.batch, "state", "open", "seeded", "1");
        assert.equal((await a.say([], 1, { idle: true })).kind, "finished");
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
            const peer = new Peer(connection, { leaseMs: 10 }); // lost after 8 ms, again and again
            for (let turn = who; finished === 0; turn++) {
              const { kind, reserved: taken } = await peer.say([], 1 + (turn % 3), { idle: true });
              if (kind === "finished") finished++;
              if (turn % 4 === 0) await new Promise((resolve) => setTimeout(resolve, turn % 16));
              const { stale } = await peer.say(taken.map((one) => peer.done(one)));
              accepted += taken.length - stale.length;
              refused += stale.length;
            }
          }),
        );
        await ended;
        for (const connection of link) connection.disconnect();
        const { done, dead, lost } = await admin.counts();
        assert.equal(done + dead, items);
        assert.equal(accepted, done);
        assert.ok(refused > 0 && lost > 0, "nothing was stolen");
      });
    });
  });
}
