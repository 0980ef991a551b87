import assert from "node:assert/strict";
import { Consumer, TryLater } from "../../../../queue/index.ts";
import { encodeLater } from "../../../../queue/consumer/attempts/outcomeLine.ts";
import { quick } from "../../../support/consuming.ts";
import { Peer } from "../../../support/peer.ts";
import { withQueue } from "../../../support/withQueue.ts";

describe("an item that is put off", () => {
  const queue = withQueue();

  it("comes back after the time, costs no attempt, and slows nobody down", async () => {
    await queue.redis.rpush(queue.k.list, ...Array.from({ length: 20 }, (_, n) => `${n}`));
    const seen = new Map<string, number>();
    const began: number[] = [];
    const consumer = new Consumer({
      ...quick(queue.url),
      retry: { maxAttempts: 1, backoff: { min: 1, max: 1 } },
      handler: (item, { attempt }) => {
        assert.equal(attempt, 1);
        seen.set(item, (seen.get(item) ?? 0) + 1);
        if (item === "0") began.push(performance.now());
        if (seen.get(item)! < 4) throw new TryLater(300);
      },
    });
    assert.equal(await consumer.run(), "finished");
    assert.deepEqual([...seen.values()], Array(20).fill(4));
    for (const [index, at] of began.entries()) if (index > 0) assert.ok(at - began[index - 1]! >= 295);
    const { done, dead } = await queue.places();
    const { retried } = await queue.admin.counts();
    assert.deepEqual({ done, dead, retried }, { done: 20, dead: 0, retried: 0 });
    const [{ attempts }] = (await queue.records()) as [Awaited<ReturnType<typeof queue.records>>[0]];
    assert.deepEqual(
      attempts.map(({ outcome, error }) => [outcome, error]),
      [
        ["released", "put off by its handler, 3 times in a row"],
        ["done", undefined],
      ],
    );
  });

  it("fails for good after 1,000 times in a row", async () => {
    await queue.redis.rpush(queue.k.list, "never");
    const peer = new Peer(queue.redis);
    let times = 0;
    for (; times < 2_000; times++) {
      const [item] = await peer.reserve();
      if (!item) break;
      assert.equal(item.failures, 0);
      const outcome = {
        kind: "later",
        delayMs: 0,
        id: item.id,
        member: peer.member(item),
        line: encodeLater(1),
      } as const;
      await peer.call({ acks: [outcome] });
    }
    assert.equal(times, 1_001);
    const [record] = await queue.records("dead");
    assert.equal(record!.reason, "put off more than 1000 times in a row");
  });

  it("refuses a delay that is no number of ms from 0", () => {
    for (const ms of [-1, NaN, Infinity]) assert.throws(() => new TryLater(ms), RangeError);
  });
});
