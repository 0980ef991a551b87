import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../../../queue/index.ts";
import { startConsumer } from "../../../support/consuming.ts";
import { withQueue } from "../../../support/withQueue.ts";

const LEASE_MS = 2_000;

describe("a Redis that takes few connections", () => {
  const queue = withQueue();

  /** Ten workers on ten items of two leases each. */
  async function workAll(item: string, maxclients: number) {
    await queue.redis.rpush(queue.k.list, ...Array.from({ length: 10 }, () => item));
    await queue.redis.config("SET", "maxclients", maxclients);
    try {
      const workers = Array.from({ length: 10 }, (_, n) =>
        startConsumer(queue.url, { leaseMs: LEASE_MS, pod: `pod-${n}` }),
      );
      const ends = await Promise.all(workers.map(({ ended }) => ended));
      assert.deepEqual(new Set(ends.map(({ code }) => code)), new Set([0]));
      return workers.map(({ events }) => events);
    } finally {
      await queue.redis.config("SET", "maxclients", 10_000);
    }
  }

  it("keeps every lease with one connection per worker", async () => {
    const events = await workAll("deaf 4000", 12);
    assert.equal(events.flat().filter(({ type }) => type === "working").length, 10);
    const { done, dead, lost } = await queue.places();
    assert.deepEqual({ done, dead, lost }, { done: 10, dead: 0, lost: 0 });
  });
});

describe("a Redis that became a replica", () => {
  const queue = withQueue();

  it("is left as soon as it refuses a write, for the server that has its address by then", async () => {
    const redis = await connect(queue.url);
    const idOf = () => redis.client("ID").catch(() => undefined);
    const before = await idOf();
    await queue.redis.replicaof("127.0.0.1", 1);
    try {
      await assert.rejects(redis.set("a", "b"), /^ReplyError: READONLY/);
      for (let now: number | undefined = before; now === before || now === undefined; now = await idOf())
        await sleep(10);
    } finally {
      await queue.redis.replicaof("NO", "ONE");
      redis.disconnect();
    }
  });
});
