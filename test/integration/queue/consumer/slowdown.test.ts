// Runs first: it waits for minutes, and computes for seconds.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer, DoNotRetry } from "../../../../queue/index.ts";
import type { ConsumerOptions, Handler } from "../../../../queue/types.ts";
import { quick, startConsumer } from "../../../support/consuming.ts";
import { withQueue } from "../../../support/withQueue.ts";

const once = { maxAttempts: 1, backoff: { min: 1, max: 1 } };
const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `${from + n}`);

describe("failures in a row", () => {
  const queue = withQueue();
  const exits = process.listeners("exit");
  afterEach(() => {
    // The guard of the exit code stays after a run that was not finished.
    for (const listener of process.listeners("exit")) if (!exits.includes(listener)) process.off("exit", listener);
  });

  const consumer = (handler: Handler, options: Partial<ConsumerOptions> = {}) =>
    new Consumer({ ...quick(queue.url), handler, ...options });

  describe("on one worker only", () => {
    it("cost few attempts and no item, while the others are slow", async () => {
      await queue.redis.rpush(queue.k.list, ...numbers(100));
      const backoff = { min: 1_000, max: 1_000 };
      const healthy = Array.from({ length: 10 }, (_, n) =>
        consumer(() => sleep(1_000), { pod: `healthy-${n}`, retry: { maxAttempts: 3, backoff } }),
      );
      let attempts = 0;
      const sick = consumer(
        () => {
          attempts++;
          throw new Error("disk full");
        },
        { pod: "sick", retry: { maxAttempts: 3, backoff } },
      );
      const runs = healthy.map((one) => one.run());
      const ends = [await sick.run(), ...(await Promise.all(runs))];
      assert.deepEqual(ends, ["unhealthy", ...Array<string>(10).fill("finished")]);
      assert.ok(attempts <= 15, `${attempts} attempts`);
      const { done, dead } = await queue.places();
      assert.deepEqual({ done, dead }, { done: 100, dead: 0 });
    });

    it("do not end in the same item twice while others live", async () => {
      await queue.redis.rpush(queue.k.list, ...numbers(40));
      const retry = { maxAttempts: 3, backoff: { min: 1, max: 1 } };
      const failed: string[] = [];
      const sick = consumer(
        (item) => {
          failed.push(item);
          throw new Error("disk full");
        },
        { pod: "sick", retry },
      );
      const healthy = consumer(() => sleep(300), { pod: "healthy", retry, concurrency: 2 });
      const end = healthy.run();
      await queue.until(async () => (await queue.places()).running > 0);
      assert.match((await Promise.all([sick.run(), end])).join(), /^(unhealthy|finished),finished$/);
      assert.equal(new Set(failed).size, failed.length, failed.join());
      assert.equal((await queue.places()).dead, 0);
    });

    it("do not end in the same item twice after its container was restarted", async () => {
      await queue.redis.rpush(queue.k.list, "bad here", ...numbers(200));
      const retry = { maxAttempts: 2, backoff: { min: 1, max: 1 } };
      const healthy = consumer(() => sleep(20), { pod: "healthy", retry }).run();
      for (let start = 1; start <= 3; start++) {
        const worker = startConsumer(queue.url, { pod: "sick", retry, concurrency: 1 });
        if (start === 1) await queue.redis.lpush(queue.k.list, "fail here");
        await worker.saw(({ type }) => type === "failed" || type === "done");
        worker.signal("SIGKILL");
        await worker.ended;
      }
      await healthy;
      const dead = await queue.records("dead");
      for (const { attempts } of dead) {
        const failures = attempts.filter(({ outcome }) => outcome === "failed").map(({ pod }) => pod);
        assert.equal(new Set(failures).size, failures.length, "it failed twice in one pod");
      }
    });
  });

  describe("everywhere", () => {
    it("end the batch, with the reason; code 0, since the verdict tells it", async () => {
      await queue.redis.rpush(queue.k.list, ...Array<string>(50).fill("fail no such module"));
      const worker = startConsumer(queue.url);
      assert.equal((await worker.ended).code, 0);
      const { state, reason } = await queue.admin.counts();
      assert.equal(state, "aborted");
      assert.match(
        reason!,
        /^nothing succeeds: \d+ attempts in a row failed and none was ever done; the last one: no such module$/,
      );
    });

    it("do not end the batch while an item has been in flight for longer", async () => {
      await queue.redis.rpush(queue.k.list, "deaf 12000", ...Array<string>(15).fill("fail no"));
      const slow = startConsumer(queue.url, { retry: once, pod: "slow" });
      await slow.saw(({ type }) => type === "working");
      const worker = startConsumer(queue.url, { retry: once });
      assert.deepEqual([(await slow.ended).code, (await worker.ended).code], [0, 0]);
      const { state, done, dead } = await queue.places();
      assert.deepEqual({ state, done, dead }, { state: "finished", done: 1, dead: 15 });
    });

    it("neither end the batch nor slow it down for long if failures are allowed", async () => {
      await queue.redis.rpush(queue.k.list, ...numbers(500));
      let attempts = 0;
      const handler = () => {
        attempts++;
        throw new Error("no");
      };
      const end = await consumer(handler, { retry: once, abortWhenNothingSucceeds: false }).run();
      assert.deepEqual([end, attempts, (await queue.places()).dead], ["finished", 500, 500]);
    });
  });

  describe("at the head of the list", () => {
    for (const { what, error, retry } of [
      { what: "a handler that gives them up", error: () => new DoNotRetry("404"), retry: undefined },
      { what: "attempts that fail", error: () => new Error("404"), retry: once },
    ]) {
      it(`do not keep the good ones behind them from being done: ${what}`, async () => {
        await queue.redis.rpush(queue.k.list, ...numbers(100).map((n) => `bad ${n}`), ...numbers(200));
        const handler: Handler = (item) => {
          if (item.startsWith("bad")) throw error();
        };
        const workers = ["a", "b"].map((pod) => consumer(handler, { pod, ...(retry && { retry }) }));
        assert.deepEqual(await Promise.all(workers.map((worker) => worker.run())), ["finished", "finished"]);
        const { state, done, dead } = await queue.places();
        assert.deepEqual({ state, done, dead }, { state: "finished", done: 200, dead: 100 });
      });
    }

    it("do not keep the good ones from being done if dead ones are put back, either", async () => {
      const handler: Handler = (item) => {
        if (item.startsWith("bad")) throw new Error("404");
      };
      await queue.redis.rpush(queue.k.list, ...numbers(30).map((n) => `bad ${n}`));
      await consumer(handler, { retry: once }).run();
      await queue.redis.rpush(queue.k.list, ...numbers(50));
      await queue.admin.resume();
      await queue.admin.requeueDead();
      assert.equal(await consumer(handler, { retry: once }).run(), "finished");
      const { done, dead } = await queue.places();
      assert.deepEqual({ done, dead }, { done: 50, dead: 30 });
    });
  });

  describe("anywhere in the list", () => {
    const failsOnBad: Handler = (item) => {
      if (item.startsWith("bad")) throw new Error("404");
    };
    const bad = (count: number, from = 0) => numbers(count, from).map((n) => `bad ${n}`);
    const backoff = { min: 200, max: 400 };
    const both = (handler: Handler, options: Partial<ConsumerOptions>) =>
      Promise.all(["a", "b"].map((pod) => consumer(handler, { pod, ...options }).run()));

    for (const [what, items] of [
      ["ten and nothing else", bad(10)],
      ["twelve at the end", [...numbers(60), ...bad(12)]],
      ["a tenth", numbers(300).map((n) => (Number(n) % 10 === 0 ? `bad ${n}` : n))],
    ] as const) {
      it(`die of their own attempts while two workers are slow: ${what}`, async () => {
        await queue.redis.rpush(queue.k.list, ...items);
        const dead = items.filter((item) => item.startsWith("bad")).length;
        assert.deepEqual(await both(failsOnBad, { retry: { maxAttempts: 3, backoff } }), ["finished", "finished"]);
        const places = await queue.places();
        assert.deepEqual([places.state, places.done, places.dead], ["finished", items.length - dead, dead]);
      });
    }

    for (const [what, items] of [
      ["40 before 1,000 good ones", [...bad(40), ...numbers(1_000)]],
      ["60 before and 40 after 150 good ones", [...bad(60), ...numbers(150), ...bad(40, 60)]],
    ] as const) {
      for (const concurrency of [1, 8]) {
        it(`do not keep the good ones from being done, with ${concurrency} slots: ${what}`, async () => {
          await queue.redis.rpush(queue.k.list, ...items);
          const retry = { maxAttempts: 3, backoff: { min: 1, max: 1 } };
          assert.deepEqual(await both(failsOnBad, { concurrency, retry }), ["finished", "finished"]);
          const dead = items.filter((item) => item.startsWith("bad")).length;
          const places = await queue.places();
          assert.deepEqual([places.state, places.done, places.dead], ["finished", items.length - dead, dead]);
        });
      }
    }

    it("cost at most as much time as they take if every second one fails", async () => {
      const items = numbers(2_000).map((n) => (createHash("sha1").update(n).digest()[0]! % 2 ? `bad ${n}` : n));
      const took = async (error: () => Error) => {
        await queue.redis.flushall();
        await queue.redis.rpush(queue.k.list, ...items);
        const handler: Handler = async (item) => {
          await sleep(10);
          if (item.startsWith("bad")) throw error();
        };
        const start = performance.now();
        assert.equal(await consumer(handler, { retry: once, concurrency: 8 }).run(), "finished");
        return performance.now() - start;
      };
      const alone = await took(() => new DoNotRetry("404")); // this error slows no worker down
      const slowed = await took(() => new Error("404"));
      assert.ok(slowed < 2 * alone, `${slowed.toFixed(0)} ms beside ${alone.toFixed(0)} ms`);
    });
  });

  it("of the pod that starts first do not end the batch while others begin", async () => {
    await queue.redis.rpush(queue.k.list, ...numbers(100));
    const sick = consumer(
      () => {
        throw new Error("no such file");
      },
      { pod: "sick" },
    );
    const ends = [sick.run()];
    await queue.until(async () => (await queue.admin.counts()).delayed >= 5);
    const healthy = ["a", "b"].map((pod) => consumer(() => sleep(35_000), { pod }));
    ends.push(...healthy.map((one) => one.run()));
    await queue.until(async () => (await queue.places()).done >= 2);
    assert.equal((await queue.places()).state, "open");
    await queue.admin.abort("enough");
    await Promise.all(ends);
  });
});
