import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../../../queue/index.ts";
import { startConsumer } from "../../../support/consuming.ts";
import { withQueue } from "../../../support/withQueue.ts";

const LEASE_MS = 2_000;

describe("a Redis that takes few connections", () => {
  const queue = withQueue();

  /** Ten workers on ten items of two leases each. */
  async function workAll(item: string, { maxclients, maxLosses = 3 }: { maxclients: number; maxLosses?: number }) {
    await queue.redis.rpush(queue.k.list, ...Array.from({ length: 10 }, () => item));
    await queue.redis.config("SET", "maxclients", maxclients);
    try {
      const workers = Array.from({ length: 10 }, (_, n) =>
        startConsumer(queue.url, { leaseMs: LEASE_MS, pod: `pod-${n}`, maxLosses }),
      );
      const ends = await Promise.all(workers.map(({ ended }) => ended));
      assert.deepEqual(new Set(ends.map(({ code }) => code)), new Set([0]));
      return workers.map(({ events }) => events);
    } finally {
      await queue.redis.config("SET", "maxclients", 10_000);
    }
  }

  it("keeps every lease with one connection a worker", async () => {
    const events = await workAll("deaf 4000", { maxclients: 12 });
    assert.equal(events.flat().filter(({ type }) => type === "working").length, 10);
    const { done, dead, lost } = await queue.places();
    assert.deepEqual({ done, dead, lost }, { done: 10, dead: 0, lost: 0 });
  });

  it("reserves nothing where a handler blocks and its lease cannot be kept, and says why", async () => {
    // What blocked when nobody knew yet may have lost its lease, and run again. That is nobody's fault.
    const eventsByWorker = await workAll("block 4000", { maxclients: 12, maxLosses: 100 });
    const { done, dead } = await queue.places();
    assert.deepEqual({ done, dead }, { done: 10, dead: 0 });
    const reasons: string[] = [];
    for (const events of eventsByWorker) {
      let isInTrouble = false;
      for (const { type, ok, why } of events) {
        if (type === "lease-keeper") isInTrouble = !ok;
        if (type === "lease-keeper" && why) reasons.push(why);
        assert.ok(!isInTrouble || type !== "working", "began an item whose lease it could not keep");
      }
    }
    assert.ok(reasons.length > 0, "none was short of a connection");
    for (const why of reasons) assert.match(why, /ERR max number of clients reached; raise its `maxclients`/);
  });
});

describe("a Redis that became a replica", () => {
  const queue = withQueue();

  it("is left for whatever answers at its address now, as soon as it refuses a write", async () => {
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
