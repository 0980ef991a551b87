import assert from "node:assert/strict";
import { type Child, startConsumer } from "../../../support/consuming.ts";
import { gateProxy, type GateProxy } from "../../../support/gateProxy.ts";
import { withQueue } from "../../../support/withQueue.ts";

const working = ({ type }: { type: string }) => type === "working";
const runs = (...workers: Child[]) => workers.flatMap(({ events }) => events.filter(working)).length;

describe("a worker that cannot reach Redis", () => {
  const queue = withQueue();

  /** A worker keeps its item, longer than its lease, beside another one that waits for it. */
  const keepsItsItem = async (disturb: (proxy: GateProxy) => void) => {
    const leaseMs = 5_000;
    const proxy = await gateProxy(queue.server.port);
    await queue.redis.rpush(queue.k.list, "deaf 8000");
    const worker = startConsumer(proxy.url, { leaseMs });
    await worker.saw(working);
    const other = startConsumer(queue.url, { leaseMs, pod: "pod-2" });
    await other.saw(({ type }) => type === "waiting");
    disturb(proxy);
    assert.deepEqual([(await worker.ended).code, (await other.ended).code], [0, 0]);
    assert.equal(runs(worker, other), 1);
    const { done, lost } = await queue.places();
    assert.deepEqual({ done, lost }, { done: 1, lost: 0 });
    await proxy.end();
  };

  it("keeps its item when its own connection dies without a word", () => keepsItsItem((proxy) => proxy.freeze(1)));

  it("keeps its item when the next connection is let in and says nothing", () =>
    keepsItsItem((proxy) => {
      proxy.freeze(2);
      proxy.close();
      proxy.open();
    }));

  it("records what ended before its connection died, and runs nothing again", async () => {
    const proxy = await gateProxy(queue.server.port);
    await queue.redis.rpush(queue.k.list, "deaf 500");
    const worker = startConsumer(proxy.url, { leaseMs: 2_000 });
    await worker.saw(working);
    proxy.freeze(1); // the outcome is sent into the silent connection
    const other = startConsumer(queue.url, { leaseMs: 2_000 });
    assert.deepEqual([(await worker.ended).code, (await other.ended).code], [0, 0]);
    assert.equal(runs(worker, other), 1);
    assert.ok(!worker.events.some(({ type }) => type === "stale"));
    await proxy.end();
  });

  it("sends each outcome before the next handler blocks", async () => {
    await queue.redis.rpush(queue.k.list, ...Array<string>(3).fill("block 1000"));
    const worker = startConsumer(queue.url, { leaseMs: 2_000, concurrency: 3 });
    await queue.until(async () => (await queue.places()).done > 0);
    assert.ok((await queue.places()).done < 3, "they were sent together");
    assert.equal((await worker.ended).code, 0);
  });
});
