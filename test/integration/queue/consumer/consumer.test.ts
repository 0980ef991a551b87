import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { connect, Consumer, DoNotRetry, keys, QueueAdmin } from "../../../../queue/index.ts";
import type { ConsumerEvent, ConsumerOptions, Handler, ItemRecord } from "../../../../queue/types.ts";
import { quick, startConsumer } from "../../../support/consuming.ts";
import { startRedis, type TestRedis } from "../../../support/redis.ts";
import { withQueue } from "../../../support/withQueue.ts";

const k = keys("job2");
const once = { maxAttempts: 1, backoff: { min: 1, max: 1 } };

describe("a worker", () => {
  const queue = withQueue({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  let server: TestRedis;
  let redis: Redis;
  let admin: QueueAdmin;

  before(() => void ({ server, redis, admin } = queue));

  const brief = async () => {
    const { state, done, dead, delayed, running, waiting } = await admin.counts();
    return { state, done, dead, delayed, running, waiting };
  };
  const finished = { state: "finished", done: 0, dead: 0, delayed: 0, running: 0, waiting: 0 };

  /** Runs a consumer in this process until the batch is over. */
  async function run(handler: Handler, options: Partial<ConsumerOptions> = {}): Promise<ConsumerEvent[]> {
    const events: ConsumerEvent[] = [];
    const onEvent = (event: ConsumerEvent) => events.push(event);
    const end = await new Consumer({ ...quick(server.url), handler, onEvent, ...options }).run();
    assert.match(end, /^(finished|aborted)$/);
    return events;
  }

  describe("handlers", () => {
    it("runs every item, at most as many at a time as there are slots, and keeps what they return", async () => {
      await redis.rpush(k.list, ...Array.from({ length: 100 }, (_, n) => `${n}`));
      let now = 0;
      let most = 0;
      await run(
        async (item) => {
          most = Math.max(most, ++now);
          await sleep(2);
          now--;
          return { double: 2 * Number(item) };
        },
        { concurrency: 10 },
      );
      assert.equal(most, 10);
      const values = (await queue.records()).map(({ value }) => (JSON.parse(value!) as { double: number }).double);
      assert.deepEqual(
        values,
        Array.from({ length: 100 }, (_, n) => 2 * n),
      );
    });

    it("retries what failed, then gives it up, with every reason", async () => {
      await redis.rpush(k.list, "apple");
      const events = await run((_, { attempt }) => {
        throw new Error(`no ${attempt}`);
      });
      const [{ attempts }] = (await queue.records("dead")) as [ItemRecord];
      assert.deepEqual(
        attempts.map(({ error }) => error!.split("\n")[0]),
        ["no 1", "no 2", "no 3"],
      );
      assert.match(attempts[0]!.error!, /\n {4}at /);
      assert.deepEqual(
        events.flatMap((event) => (event.type === "failed" ? [event.retryInMs === undefined] : [])),
        [false, false, true],
      );
    });

    it("DoNotRetry gives up at once, also one from another copy of this module", async () => {
      await redis.rpush(k.list, "own", "other");
      await run((item) => {
        throw item === "own" ? new DoNotRetry("bad") : Object.assign(new Error("bad"), { name: "DoNotRetry" });
      });
      assert.deepEqual(
        (await queue.records("dead")).map(({ attempts }) => attempts.length),
        [1, 1],
      );
    });

    it("a result without JSON is a failure, one that is too long is cut between two characters", async () => {
      await redis.rpush(k.list, "bigint", "long");
      await run((item) => (item === "bigint" ? 1n : "é".repeat(1000)), { retry: once, maxResultBytes: 100 });
      const [bigint, long] = await queue.records();
      assert.match(bigint!.reason!, /BigInt/);
      assert.deepEqual([long!.value, long!.truncated], ['"' + "é".repeat(49), true]);
    });

    it("keepResults failed keeps no values", async () => {
      await redis.rpush(k.list, "apple");
      await run(() => "value", { keepResults: "failed" });
      assert.equal((await queue.records())[0]!.value, undefined);
    });

    it("keeps the tail of the log of what failed, at most 64 KiB, and of all when asked to", async () => {
      await redis.rpush(k.list, "bad", "good");
      const handler: Handler = (item, { log }) => {
        for (let line = 1; line <= 5_000; line++) log(`${item} ${line} ${"x".repeat(20)}`);
        if (item === "bad") throw new Error("bad");
      };
      await run(handler, { retry: once });
      const log = (await admin.log(1))!;
      assert.equal(log.length, 64 * 1024);
      assert.ok(log.endsWith(`bad 5000 ${"x".repeat(20)}\n`));
      assert.equal(await admin.log(2), undefined);
      await redis.rpush(k.list, "good");
      await run(handler, { retry: once, keepLogs: "all" });
      assert.match((await admin.log(3))!, /good 5000/);
    });

    it("an item past its time limit is told to stop, and its attempt ends as timed out, whatever it returns", async () => {
      await redis.rpush(k.list, "listens", "returns");
      let aborted = 0;
      await run(
        (item, { signal }) =>
          new Promise((resolve, reject) => {
            signal.addEventListener("abort", () => {
              aborted++;
              if (item === "listens") reject(signal.reason as Error);
              else resolve("fine");
            });
          }),
        { itemTimeoutMs: 100, retry: once },
      );
      assert.equal(aborted, 2);
      assert.deepEqual(
        (await queue.records("dead")).map(({ attempts: [attempt] }) => [attempt!.outcome, attempt!.error]),
        Array(2).fill(["timeout", "timed out after 0.1 s"]),
      );
    });

    it("a handler whose promise never settles is given up after the time limit", async () => {
      await redis.rpush(k.list, "hang", "apple");
      const worker = startConsumer(server.url, { itemTimeoutMs: 200, retry: once });
      assert.equal((await worker.ended).code, 0);
      assert.deepEqual(await brief(), { ...finished, done: 1, dead: 1 });
    });

    it("a handler that calls process.exit(0) does not look like success", async () => {
      await redis.rpush(k.list, "exit", "apple");
      const { code, stderr } = await startConsumer(server.url).ended;
      assert.equal(code, 70);
      assert.match(stderr, /The process ended before the queue was finished/);
      // If a lone worker vanishes, Redis may have been away instead. So an item is excused for two silences.
      for (let starts = 1; (await startConsumer(server.url).ended).code !== 0; starts++) assert.ok(starts < 5);
      assert.deepEqual(await brief(), { ...finished, done: 1, dead: 1 });
    });
  });

  it("blocked for longer than a lease, it loses the item to another worker, and its report is stale", async () => {
    await redis.rpush(k.list, "blockat pod-1 3000");
    const blocked = startConsumer(server.url);
    await blocked.saw(({ type }) => type === "working");
    const other = startConsumer(server.url, { pod: "pod-2" });
    assert.deepEqual([(await blocked.ended).code, (await other.ended).code], [0, 0]);
    assert.ok(blocked.events.some(({ type }) => type === "stale"));
    const [{ attempts }] = (await queue.records()) as [ItemRecord];
    // If the other worker is so late that nobody was heard, that is a silence, and the item counts as released.
    assert.match(attempts.map(({ outcome }) => outcome).join(), /^(lost|released),done$/);
  });

  it("blocked for longer than a lease while no other worker lives, it keeps the item", async () => {
    await redis.rpush(k.list, "block 3000");
    const worker = startConsumer(server.url);
    assert.equal((await worker.ended).code, 0);
    assert.deepEqual(await brief(), { ...finished, done: 1 });
    assert.equal(worker.events.filter(({ type }) => type === "working").length, 1);
  });

  describe("the end of a process", () => {
    it("SIGTERM: items that end in the grace period are done, the others released, none is reserved; not code 0", async () => {
      await redis.rpush(k.list, "deaf 700", "deaf 50000", "apple");
      const worker = startConsumer(server.url, { concurrency: 2, graceMs: 2_000 });
      await worker.saw(({ payload, type }) => type === "working" && payload === "deaf 50000");
      worker.signal("SIGTERM");
      await worker.saw(({ type }) => type === "ended");
      worker.signal("SIGKILL"); // the deaf item would keep its process
      assert.equal(worker.events.at(-1)!.end, "stopped");
      assert.deepEqual(await brief(), { ...finished, state: "open", done: 1, delayed: 1, waiting: 1 });
      const [, released] = await queue.records();
      assert.deepEqual(
        released!.attempts.map(({ outcome }) => outcome),
        ["released"],
      );
    });

    const working = ({ type }: { type: string }) => type === "working";

    /** Two consumers: one that works on the only item, and one that waits for another. */
    async function holderAndHeir() {
      const [one, two] = [startConsumer(server.url), startConsumer(server.url)];
      const holder = await Promise.race([one, two].map((child) => child.saw(working).then(() => child)));
      const heir = holder === one ? two : one;
      await heir.saw(({ type }) => type === "waiting");
      return { holder, heir };
    }

    it("killed: its item runs again elsewhere", async () => {
      await redis.rpush(k.list, "sleep 60000");
      const { holder, heir } = await holderAndHeir();
      holder.signal("SIGKILL");
      await holder.ended;
      const again = await heir.saw(working);
      assert.equal(again!.attempt, 2);
      heir.signal("SIGKILL");
      await heir.ended;
    });

    it("stopped for longer than its lease: it finds that another worker has its item, and changes nothing", async () => {
      await redis.rpush(k.list, "deaf 4000");
      const { holder, heir } = await holderAndHeir();
      holder.signal("SIGSTOP");
      await heir.saw(working);
      holder.signal("SIGCONT");
      assert.deepEqual([(await holder.ended).code, (await heir.ended).code], [0, 0]);
      assert.ok(holder.events.some(({ type }) => type === "stale"));
      assert.deepEqual(await brief(), { ...finished, done: 1 });
    });
  });

  describe("Redis away", () => {
    it("restarted: the worker keeps its items and settles them when it is back", async () => {
      const own = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
      const link = await connect(own.url);
      await link.rpush(k.list, "deaf 1500", ...Array.from({ length: 20 }, (_, n) => `apple ${n}`));
      const worker = startConsumer(own.url, { concurrency: 1 });
      await worker.saw(({ type }) => type === "working");
      await own.kill();
      await sleep(2_000);
      await own.restart();
      assert.equal((await worker.ended).code, 0);
      const runs = worker.events.filter(({ type }) => type === "working").length;
      const report = await QueueAdmin.open(own.url, "job2");
      const { done, lost } = await report.counts();
      assert.deepEqual({ runs, done, lost }, { runs: 21, done: 21, lost: 0 });
      assert.deepEqual(
        worker.events.flatMap(({ type, up }) => (type === "redis" ? [up] : [])),
        [false, true],
      );
      await report.close();
      link.disconnect();
      await own.stop();
    });
  });

  describe("what never succeeds", () => {
    it("on one worker only: this worker is unhealthy, says so and stops, with a code other than 0", async () => {
      const items = Array.from({ length: 2_000 }, (_, n) => `${n}`);
      await redis.rpush(k.list, ...items);
      let sick = false;
      const healthy = new Consumer({
        ...quick(server.url),
        retry: { maxAttempts: 9, backoff: { min: 50, max: 50 } },
        handler: () => sleep(sick ? 0 : 5),
      });
      const listeners = process.listeners("exit");
      const ill = new Consumer({
        ...quick(server.url),
        retry: { maxAttempts: 9, backoff: { min: 50, max: 50 } },
        handler: async () => {
          await sleep(5);
          throw new Error("disk full");
        },
        onEvent: (event) => {
          if (event.type === "unhealthy")
            assert.match(event.reason, /^the last \d+ attempts here failed while other workers/);
          sick ||= event.type === "unhealthy";
        },
      });
      const [one, other] = await Promise.all([healthy.run(), ill.run()]);
      for (const listener of process.listeners("exit")) {
        // the guard of the exit code, which stays, since this worker must not exit with 0
        if (!listeners.includes(listener)) process.off("exit", listener);
      }
      assert.deepEqual([one, other, sick], ["finished", "unhealthy", true]);
      assert.deepEqual(await brief(), { ...finished, done: items.length });
    });
  });

  it("says finished only when that is on disk: a Redis killed right after still knows it", async () => {
    const own = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "everysec"] });
    const link = await connect(own.url);
    await link.rpush(k.list, ...Array.from({ length: 100 }, (_, n) => `apple ${n}`));
    const worker = startConsumer(own.url, { concurrency: 32 });
    await worker.saw(({ type }) => type === "ended");
    await own.kill();
    await own.restart();
    const report = await QueueAdmin.open(own.url, "job2");
    const { state, done } = await report.counts();
    assert.deepEqual({ state, done }, { state: "finished", done: 100 });
    assert.equal((await worker.ended).code, 0);
    await report.close();
    link.disconnect();
    await own.stop();
  });
});
