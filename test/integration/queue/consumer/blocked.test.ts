import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Child, startConsumer } from "../../../support/consuming.ts";
import { gateProxy } from "../../../support/gateProxy.ts";
import { withQueue } from "../../../support/withQueue.ts";

const once = { maxAttempts: 1, backoff: { min: 1, max: 1 } };
const working = ({ type }: { type: string }) => type === "working";
const runs = (...workers: Child[]) => workers.flatMap(({ events }) => events.filter(working)).length;

describe("a worker that cannot reach Redis", () => {
  const queue = withQueue();

  it("keeps its item when its own connection dies without a word", async () => {
    const proxy = await gateProxy(queue.server.port);
    await queue.redis.rpush(queue.k.list, "deaf 3000");
    const worker = startConsumer(proxy.url, { leaseMs: 2_000 });
    await worker.saw(working);
    proxy.freeze(1);
    const other = startConsumer(queue.url, { leaseMs: 2_000 });
    assert.deepEqual([(await worker.ended).code, (await other.ended).code], [0, 0]);
    assert.equal(runs(worker, other), 1);
    const { done, lost } = await queue.places();
    assert.deepEqual({ done, lost }, { done: 1, lost: 0 });
    await proxy.end();
  });

  it("records what ended before its connection died, and runs nothing again", async () => {
    const proxy = await gateProxy(queue.server.port);
    await queue.redis.rpush(queue.k.list, "deaf 500");
    const worker = startConsumer(proxy.url, { leaseMs: 2_000 });
    await worker.saw(working);
    proxy.freeze(1); // the outcome is sent into it
    const other = startConsumer(queue.url, { leaseMs: 2_000 });
    assert.deepEqual([(await worker.ended).code, (await other.ended).code], [0, 0]);
    assert.equal(runs(worker, other), 1);
    assert.ok(!worker.events.some(({ type }) => type === "stale"));
    await proxy.end();
  });

  for (const { title, options } of [
    { title: "runs each once and records it", options: {} },
    { title: "times out none that it had not begun", options: { itemTimeoutMs: 5_000 } },
  ]) {
    it(`${title}, where a handler blocks the event loop with several slots`, async () => {
      await queue.redis.rpush(queue.k.list, ...Array<string>(4).fill("block 3000"));
      const worker = startConsumer(queue.url, { leaseMs: 2_000, concurrency: 4, retry: once, ...options });
      await worker.saw(working);
      const other = startConsumer(queue.url, { leaseMs: 2_000 });
      assert.deepEqual([(await worker.ended).code, (await other.ended).code], [0, 0]);
      assert.equal(runs(worker, other), 4);
      const { done, dead, lost } = await queue.places();
      assert.deepEqual({ done, dead, lost }, { done: 4, dead: 0, lost: 0 });
    });
  }

  it("sends each outcome before the next handler blocks", async () => {
    await queue.redis.rpush(queue.k.list, ...Array<string>(3).fill("block 1000"));
    const worker = startConsumer(queue.url, { leaseMs: 2_000, concurrency: 3 });
    await queue.until(async () => (await queue.places()).done > 0);
    assert.ok((await queue.places()).done < 3, "they were sent together");
    assert.equal((await worker.ended).code, 0);
  });

  it("is released by the file that stops it, as often as that is, while a handler blocks", async () => {
    const dir = mkdtempSync(join(tmpdir(), "job-wq-2-stop-"));
    const file = join(dir, "stop");
    await queue.redis.rpush(queue.k.list, "block 30000");
    for (let stops = 1; stops <= 4; stops++) {
      const worker = startConsumer(queue.url, { leaseMs: 2_000, drain: { file, graceMs: 500 } });
      await worker.saw(working);
      await sleep(300);
      writeFileSync(file, "");
      worker.signal("SIGTERM");
      assert.equal((await worker.ended).signal, "SIGKILL");
      rmSync(file);
      const { delayed, dead, lost } = await queue.places();
      assert.deepEqual({ delayed, dead, lost }, { delayed: 1, dead: 0, lost: 0 });
    }
    const [item] = await queue.records();
    assert.deepEqual(
      item!.attempts.map(({ outcome }) => outcome),
      Array(4).fill("released"),
    );
    rmSync(dir, { recursive: true });
  });

  it("is stopped by that file as by SIGTERM while no handler blocks", async () => {
    const dir = mkdtempSync(join(tmpdir(), "job-wq-2-stop-"));
    const file = join(dir, "stop");
    await queue.redis.rpush(queue.k.list, "deaf 3000", "apple");
    const worker = startConsumer(queue.url, { leaseMs: 2_000, drain: { file, graceMs: 5_000 } });
    await worker.saw(working);
    writeFileSync(file, "");
    assert.equal((await worker.ended).code, 143);
    const { done, waiting } = await queue.places();
    assert.deepEqual({ done, waiting }, { done: 1, waiting: 1 });
    rmSync(dir, { recursive: true });
  });
});
