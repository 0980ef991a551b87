import assert from "node:assert/strict";
import type { ItemRecord } from "../../../../queue/types.ts";
import { startConsumer } from "../../../support/consuming.ts";
import { withQueue } from "../../../support/withQueue.ts";

const twice = { maxAttempts: 2, backoff: { min: 1, max: 1 } };

describe("an error that no promise carries", () => {
  const queue = withQueue();

  for (const deed of ["reject", "throw"]) {
    it(`fails the item that did it, with its reason, and no other (${deed})`, async () => {
      await queue.redis.rpush(queue.k.list, `${deed} no socket`, "sleep 300", "sleep 300", ...Array(20).fill("apple"));
      const worker = startConsumer(queue.url, { concurrency: 4, retry: twice });
      assert.equal((await worker.ended).code, 0);
      const { done, dead, lost } = await queue.places();
      assert.deepEqual({ done, dead, lost }, { done: 22, dead: 1, lost: 0 });
      const [{ attempts }] = (await queue.records("dead")) as [ItemRecord];
      assert.deepEqual(
        attempts.map(({ outcome, error }) => [outcome, error!.split("\n")[0]]),
        Array(2).fill(["failed", "no socket"]),
      );
      assert.match(attempts[0]!.error!, /\n {4}at /, "its stack is on record");
    });
  }

  it("ends a batch of nothing else with that reason", async () => {
    await queue.redis.rpush(queue.k.list, ...Array.from({ length: 50 }, (_, n) => `reject no socket ${n}`));
    const worker = startConsumer(queue.url, { retry: twice });
    assert.equal((await worker.ended).code, 0);
    const { state, reason } = await queue.admin.counts();
    assert.equal(state, "aborted");
    assert.match(reason!, /^nothing succeeds: .* the last one: no socket \d+$/);
  });

  it("fails an item whose error breaks careless readers of errors", async () => {
    const kinds = ["circle", "chain", "bare", "message", "getter"];
    await queue.redis.rpush(queue.k.list, ...kinds.map((kind) => `odd ${kind}`), "apple");
    const worker = startConsumer(queue.url, { retry: { maxAttempts: 1, backoff: { min: 1, max: 1 } } });
    assert.deepEqual([(await worker.ended).code, (await worker.ended).stderr], [0, ""]);
    const { done, dead, lost } = await queue.places();
    assert.deepEqual({ done, dead, lost }, { done: 1, dead: kinds.length, lost: 0 });
    for (const { reason } of await queue.records("dead")) assert.ok(reason!.length > 0);
  });
});
