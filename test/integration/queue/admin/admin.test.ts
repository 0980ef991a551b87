import assert from "node:assert/strict";
import type { Redis } from "ioredis";
import type { QueueAdmin } from "../../../../queue/index.ts";
import { Consumer, DoNotRetry, Seeder } from "../../../../queue/index.ts";
import { keys } from "../../../../queue/redis/keys.ts";
import type { ConsumerOptions, Handler } from "../../../../queue/types.ts";
import { Peer } from "../../../support/peer.ts";
import type { TestRedis } from "../../../support/redis.ts";
import { withQueue } from "../../../support/withQueue.ts";

const k = keys("job2");

for (const version of ["8", "7.0"] as const) {
  describe(`the queue's admin, Redis ${version}`, () => {
    const queue = withQueue({ version });
    let server: TestRedis;
    let redis: Redis;
    let admin: QueueAdmin;

    before(() => void ({ server, redis, admin } = queue));

    const seed = (items: string[], run = "1") =>
      new Seeder({ url: server.url, queue: "job2" }).seed(items, { owner: "fruit/dev", run, seedId: "1" });
    const consumer = (handler: Handler, options: Partial<ConsumerOptions> = {}) =>
      new Consumer({
        url: server.url,
        queue: "job2",
        handler,
        concurrency: 1,
        maxLosses: 3,
        leaseMs: 10_000,
        itemTimeoutMs: 60_000,

        retry: { maxAttempts: 2, backoff: { min: 1, max: 1 } },
        maxResultBytes: 100,
        keepResults: "all",
        keepLogs: "all",
        pod: "pod-1",
        node: "node-1",
        ...options,
      });
    const fruits: Handler = (item, { log }) => {
      log(`saw ${item}`);
      if (item === "banana") throw new DoNotRetry("slipped");
      if (item === "fig") throw new Error("not ripe");
      return { length: item.length };
    };

    it("counts nothing if nothing is", async () => {
      const { now, ...counts } = await admin.counts();
      assert.equal(Math.abs(now - Date.now()) < 60_000, true);
      assert.deepEqual(counts, {
        state: "open",
        owner: "",
        total: 0,
        waiting: 0,
        running: 0,
        delayed: 0,
        done: 0,
        dead: 0,

        lost: 0,
        retried: 0,
        external: 0,
        startedAt: 0,
        endedAt: 0,
        suspects: 0,
        workersAlive: 0,
        nextDueAt: 0,
        dueSoon: 0,
      });
      assert.deepEqual([await queue.records(), await queue.records("dead"), await admin.workers()], [[], [], []]);
      for (const act of [() => admin.pause(), () => admin.resume(), () => admin.abort("x")]) {
        await assert.rejects(act, {
          message: "Nothing was ever seeded into or taken from the queue job2: run `pulumi up` first.",
        });
      }
      assert.equal(await redis.exists(k.batch), 0);
    });

    it("counts the items of each state, at one moment", async () => {
      await seed(["banana", "fig", "apple", "cherry", "date"]);
      let open!: () => void;
      const gate = new Promise<void>((resolve) => (open = resolve));
      let reached!: () => void;
      const atCherry = new Promise<void>((resolve) => (reached = resolve));
      const worker = consumer(
        async (item, context) => {
          if (item === "cherry") {
            reached();
            await gate;
          }
          return fruits(item, context);
        },
        { retry: { maxAttempts: 2, backoff: { min: 300, max: 300 } } },
      );
      const ended = worker.run();
      await atCherry;
      const { state, total, waiting, running, delayed, done, dead, retried, startedAt } = await admin.counts();
      assert.deepEqual(
        { state, total, waiting, done, dead, retried },
        { state: "open", total: 5, waiting: 1, done: 1, dead: 1, retried: 1 },
      );
      assert.deepEqual([running, delayed, startedAt > 0], [1, 1, true]);
      const [info] = await admin.workers();
      assert.deepEqual([info!.pod, info!.node, info!.slots], ["pod-1", "node-1", 1]);
      assert.deepEqual(
        info!.inFlight.map(({ id, payload }) => [id, payload.toString()]),
        [[4, "cherry"]],
      );
      open();
      assert.equal(await ended, "finished");
      const end = await admin.counts();
      assert.deepEqual([end.state, end.done, end.dead, end.waiting, end.endedAt > 0], ["finished", 3, 2, 0, true]);

      // Later items begin a run of their own, whose time does not include the time before.
      await queue.redis.rpush("job2", "apple");
      const reopened = await admin.counts();
      assert.deepEqual([reopened.state, reopened.startedAt, reopened.endedAt], ["open", 0, 0]);
      assert.equal(await consumer(fruits).run(), "finished");
      const again = await admin.counts();
      assert.ok(again.startedAt >= end.endedAt && again.endedAt >= again.startedAt);
    });

    it("lists results by id and the dead by time, with their reasons; finds items by payload; has the logs", async () => {
      await seed(["apple", "banana", "fig", "apple"]);
      assert.equal(await consumer(fruits).run(), "finished");
      const results = await queue.records();
      assert.deepEqual(
        results.map(({ id, payload, outcome, value }) => [id, payload.toString(), outcome, value]),
        [
          [1, "apple", "done", '{"length":5}'],
          [2, "banana", "dead", undefined],
          [3, "fig", "dead", undefined],
          [4, "apple", "done", '{"length":5}'],
        ],
      );
      const dead = await queue.records("dead");
      assert.deepEqual(
        dead.map(({ id, attempts }) => [id, attempts.map(({ pod, node, outcome }) => `${pod} ${node} ${outcome}`)]),
        [
          [2, ["pod-1 node-1 failed"]],
          [3, ["pod-1 node-1 failed", "pod-1 node-1 failed"]],
        ],
      );
      assert.match(dead[0]!.reason!, /^(DoNotRetry: )?slipped\n {4}at /);
      assert.match(dead[1]!.reason!, /^(Error: )?not ripe\n {4}at /);
      assert.deepEqual(
        [await admin.find("apple"), await admin.find(Buffer.from("fig")), await admin.find("x")],
        [[1, 4], [3], []],
      );
      assert.match((await admin.log(3))!, /saw fig/);
      assert.equal(await admin.log(99), undefined);
    });

    it("walks through many results page by page, and sees a record that moves meanwhile only once", async () => {
      const items = Array.from({ length: 1700 }, (_, index) => `item-${index}`);
      await seed(items);
      assert.equal(await consumer((item) => item, { concurrency: 64 }).run(), "finished");
      const seen = new Set<number>();
      for await (const { id, payload } of admin.results()) {
        assert.equal(payload.toString(), items[id - 1]);
        assert.equal(seen.has(id), false);
        seen.add(id);
        if (id === 10) await redis.multi().hdel(k.results, "700").hset(k.items, "700", "0 0 1 s1\n\nitem-699").exec();
      }
      assert.equal(seen.size, 1700);
    });

    it("puts the dead back, all or some; they run again with their history, and a finished batch is open", async () => {
      await seed(["banana", "fig", "apple"]);
      await consumer(fruits).run();
      assert.equal((await admin.counts()).state, "finished");
      assert.equal(await admin.requeueDead([1, 3, 77]), 1);
      assert.deepEqual([(await admin.counts()).state, (await admin.counts()).delayed], ["open", 1]);
      assert.equal(await consumer(() => "better").run(), "finished");
      const [banana] = await queue.records();
      assert.deepEqual([banana!.outcome, banana!.value], ["done", '"better"']);
      assert.deepEqual(
        banana!.attempts.map(({ outcome }) => outcome),
        ["failed", "done"],
      );
      assert.equal(await admin.requeueDead(), 1);
      assert.equal(await admin.requeueDead(), 0);
      await consumer(fruits).run();
      const fig = (await queue.records("dead"))[0]!;
      // Put back, it has all its attempts again.
      assert.deepEqual([fig.id, fig.attempts.length], [2, 4]);
    });

    it("puts back more than a thousand", async () => {
      const pipeline = redis
        .pipeline()
        .hset(k.batch, "schema", 1, "state", "open", "seeded", 1, "lastId", 2500, "total", 2500);
      for (let id = 1; id <= 2500; id++) {
        pipeline.hset(k.results, String(id), `f5 "no"\n0 0 1 s\n\nitem-${id}`).zadd(k.dead, id, String(id));
      }
      await pipeline.exec();
      assert.equal(await admin.requeueDead(Array.from({ length: 1200 }, (_, index) => index + 1)), 1200);
      assert.equal(await admin.requeueDead(), 1300);
      const { delayed, dead, total } = await admin.counts();
      assert.deepEqual([delayed, dead, total], [2500, 0, 2500]);
    });

    it("a suspect that is put back stays one", async () => {
      await seed(["poison"]);
      await redis.multi().lpop(k.list).hset(k.batch, "lastLength", 0, "lastId", 1).zadd(k.dead, 5, "1").exec();
      await redis.hset(k.results, "1", 'f5 "no"\n0 1 1000 s2\nl900 800\n0 0 100 s1\n\npoison');
      assert.equal(await admin.requeueDead(), 1);
      assert.deepEqual(await redis.zrange(k.suspects, 0, "-1"), ["1"]);
      assert.equal((await admin.counts()).delayed, 1);
    });

    it("pauses and resumes, also over a seeding", async () => {
      await seed(["apple"]);
      await admin.pause();
      assert.equal((await admin.counts()).state, "paused");
      await seed(["banana", "apple"]);
      assert.equal((await admin.counts()).state, "paused");
      let ran = 0;
      const worker = consumer(() => void ran++);
      const ended = worker.run();
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(ran, 0);
      await admin.resume();
      assert.equal(await ended, "finished");
      assert.equal(ran, 2);
      await admin.pause();
      await seed(["banana", "apple", "cherry"]);
      assert.equal((await admin.counts()).state, "open", "a pause of what is over does not hold up the next items");
    });

    it("a pause ends with the batch: the next one begins", async () => {
      await seed(["apple"]);
      const peer = new Peer(redis);
      const [apple] = await peer.reserve();
      await admin.pause();
      assert.equal((await peer.call({ acks: [peer.done(apple!)] })).kind, "finished");
      await seed(["apple"], "2");
      assert.equal((await admin.counts()).state, "open");
    });

    it("retries nothing on a full Redis, and says so in a line", async () => {
      await seed(["apple", "banana", "cherry"]);
      const handler = () => {
        throw new DoNotRetry("is bad");
      };
      await consumer(handler, { abortWhenNothingSucceeds: false, maxFailures: 1 }).run();
      const before = await queue.places();
      assert.equal(before.state, "aborted");
      await redis.config("SET", "maxmemory", "1");
      try {
        await assert.rejects(
          admin.retry(),
          /^RedisError: Redis is full \(maxmemory\): raise `redisMemory` and run again\. /,
        );
      } finally {
        await redis.config("SET", "maxmemory", "0");
      }
      assert.deepEqual(await queue.places(), before);
      assert.equal(await admin.retry(), before.dead);
    });

    it("aborts with its first reason, in one line; a resume opens it again; a finished batch is left alone", async () => {
      await seed(["apple"]);
      await admin.abort("the handler\n  does not load");
      await admin.abort("another");
      const { state, reason, endedAt } = await admin.counts();
      assert.deepEqual(
        { state, reason, ended: endedAt > 0 },
        { state: "aborted", reason: "the handler does not load", ended: true },
      );
      assert.equal(await consumer(fruits).run(), "aborted");
      await admin.pause(); // a batch that is over cannot be paused
      await admin.retry();
      assert.equal((await admin.counts()).state, "open");
      await admin.abort("again");
      await admin.resume();
      assert.deepEqual(
        { ...(await admin.counts()), now: 0 },
        { ...(await admin.counts()), now: 0, state: "open", endedAt: 0 },
      );
      assert.equal("reason" in (await admin.counts()), false);
      await admin.pause();
      await admin.abort("once more");
      assert.equal(await admin.retry(), 0);
      assert.equal((await admin.counts()).state, "paused", "open again, and no more than that");
      await admin.resume();
      assert.equal(await consumer(fruits).run(), "finished");
      await admin.abort("too late");
      assert.equal((await admin.counts()).state, "finished");
    });

    it("counts what others pushed and took", async () => {
      await seed(["apple", "banana", "cherry"]);
      await redis.rpush(k.list, "by hand");
      assert.equal((await admin.counts()).total, 4);
      await redis.lpop(k.list, 3);
      const { total, waiting, external } = await admin.counts();
      assert.deepEqual({ total, waiting, external }, { total: 3, waiting: 1, external: 2 });
    });

    it("adds up the workers' time, also by two supervisors at once, and creates no queue by that", async () => {
      await admin.supervision.addWorkerTime({ aliveMs: 100, idleMs: 25 });
      assert.equal(await redis.exists(k.batch), 0);
      await seed(["apple"]);
      const times = Array.from({ length: 20 }, () => ({ aliveMs: 100.4, idleMs: 25 }));
      await Promise.all(times.map((time) => admin.supervision.addWorkerTime(time)));
      assert.deepEqual(await redis.hmget(k.batch, "workersAliveMs", "workersIdleMs"), ["2000", "500"]);
      assert.equal(await admin.supervision.idleShare(), 0.25);
    });
  });
}
