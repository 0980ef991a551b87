// An item that was reserved and never begun counts no loss. These tests set `maxLosses` to 1, so one loss would show.
import assert from "node:assert/strict";
import { startConsumer } from "../../../support/consuming.ts";
import { gateProxy } from "../../../support/gateProxy.ts";
import { Peer } from "../../../support/peer.ts";
import { withQueue } from "../../../support/withQueue.ts";

const options = { leaseMs: 1_000, maxLosses: 1 };
const text = (count: number) => Array.from({ length: count }, (_, index) => `item-${index}`);

describe("an item that was never begun", () => {
  const queue = withQueue();
  const outcome = async () => {
    const { state, done, dead, lost } = await queue.places();
    return { state, done, dead, lost };
  };
  const running = async () => (await queue.places()).running;

  // A worker is heard all the time, since a lease that expires in a silence is no loss anyway.
  let witness: NodeJS.Timeout;
  before(() => {
    const peer = new Peer(queue.redis, options);
    witness = setInterval(() => void peer.renew([]).catch(() => {}), 100);
  });
  after(() => clearInterval(witness));

  it("does not die with the item behind which it waited, reserved ahead", async () => {
    await queue.redis.rpush(queue.k.list, ...text(1_000), "die", ...text(1_000));
    let starts = 0;
    while ((await startConsumer(queue.url, options).ended).code !== 0) assert.ok(++starts < 5, "it killed too often");
    assert.deepEqual(await outcome(), { state: "finished", done: 2_000, dead: 1, lost: 1 });
    const [dead] = await queue.records("dead");
    assert.equal(dead!.payload.toString(), "die");
  });

  it("does not die in a slot beside a handler that blocks", async () => {
    await queue.redis.rpush(queue.k.list, "block 60000", ...text(7));
    const doomed = startConsumer(queue.url, { ...options, concurrency: 8 });
    await doomed.saw(({ type }) => type === "working");
    doomed.signal("SIGKILL");
    assert.equal((await startConsumer(queue.url, options).ended).code, 0);
    assert.deepEqual(await outcome(), { state: "finished", done: 7, dead: 1, lost: 1 });
  });

  it("does not die in an answer that lies unread while a handler blocks", async () => {
    await queue.redis.rpush(queue.k.list, ...text(600), "blockat pod-1 4000", ...text(600));
    const two = { ...options, maxLosses: 2 };
    const workers = [
      startConsumer(queue.url, { ...two, concurrency: 8 }),
      startConsumer(queue.url, { ...two, pod: "pod-2" }),
    ];
    for (const { ended } of workers) assert.equal((await ended).code, 0);
    const { lost, ...rest } = await outcome();
    assert.deepEqual(rest, { state: "finished", done: 1_201, dead: 0 });
    assert.ok(lost <= 1, "only the one that blocked, where it did");
  });

  it("does not die with a lost answer, if its worker leaves because Redis is away", async () => {
    const proxy = await gateProxy(queue.server.port);
    const cutOff = startConsumer(proxy.url, { ...options, concurrency: 8, maxDowntimeMs: 1_000 });
    await cutOff.saw(({ type }) => type === "waiting");
    const pushed = queue.redis.rpush(queue.k.list, ...text(8)); // on its way before the next request
    proxy.onRequest = (request) => request.includes("reserve") && proxy.freeze(1); // its answer is lost
    await pushed;
    await queue.until(async () => (await running()) > 0);
    proxy.close();
    const other = startConsumer(queue.url, options);
    assert.deepEqual([(await cutOff.ended).code, (await other.ended).code], [75, 0]);
    assert.deepEqual(await outcome(), { state: "finished", done: 8, dead: 0, lost: 0 });
    const record = (await queue.records()).find(({ attempts }) => attempts.length > 1);
    assert.match(record!.attempts[0]!.error!, /^its worker vanished before the item was begun/);
    await proxy.end();
  });

  it("does not die of a call that is delivered only after the end of its worker", async () => {
    await queue.redis.rpush(queue.k.list, ...text(8));
    const gone = new Peer(queue.redis, options);
    gone.begins = false;
    await gone.deregister();
    await gone.call({ reserve: 4 });
    assert.equal(await running(), 4);
    assert.equal((await startConsumer(queue.url, options).ended).code, 0);
    assert.deepEqual(await outcome(), { state: "finished", done: 8, dead: 0, lost: 0 });
  });
});
