// A suspect, an item that runs alone: which worker runs it, and when.
import assert from "node:assert/strict";
import { pass } from "../../../support/consuming.ts";
import { Peer } from "../../../support/peer.ts";
import { withQueue } from "../../../support/withQueue.ts";

const LEASE = 10_000;

describe("a suspect", () => {
  const queue = withQueue();
  const { k } = queue;
  let witness: Peer;

  /** A session of a pod, known by its heartbeat. */
  async function start(pod: string): Promise<Peer> {
    const peer = new Peer(queue.redis, { pod, maxLosses: 2 }); // so the first loss makes a suspect
    await peer.renew([], { heartbeat: JSON.stringify({ pod, slots: 1 }) });
    return peer;
  }

  /** Lets time pass while the witness is heard, and others still count as alive. */
  async function passHeard(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 3_000) {
      const step = Math.min(left, 3_000);
      await pass(queue.redis, step);
      for (const session of await queue.redis.zrange(k.alive, "0", "-1"))
        await queue.redis.zincrby(k.alive, step, session);
      await witness.renew([]);
    }
  }

  /** Each pod reserves this many items, and then all pods vanish. */
  async function vanish(pods: Record<string, number>): Promise<void> {
    const gone: string[] = [];
    for (const [pod, count] of Object.entries(pods)) {
      const peer = await start(pod);
      const heartbeat = JSON.stringify({ pod, slots: count });
      assert.equal((await peer.call({ reserve: count, exclusive: true, heartbeat })).reserved.length, count);
      gone.push(peer.session);
    }
    await passHeard(0.8 * LEASE + 500);
    await witness.call({ reserve: 0 });
    await queue.redis.zrem(k.alive, ...gone);
    await passHeard(LEASE / 10);
  }

  /** A call of a worker that has nothing in flight, or other items. */
  const ask = async (peer: Peer, exclusive: boolean) => {
    const { reserved } = await peer.call({ reserve: 1, exclusive });
    return reserved.map(({ payload, runsAlone }) => `${String(payload)}${runsAlone ? ", alone" : ""}`).join();
  };

  beforeEach(async () => {
    await queue.redis.rpush(k.list, "apple", "banana", "cherry");
    witness = new Peer(queue.redis, { maxLosses: 2 });
    await witness.call();
  });

  it("is left to others by the pod that lost it, for three leases", async () => {
    await vanish({ "pod-1": 1 });
    const [again, other] = [await start("pod-1"), await start("pod-2")];
    assert.equal(await ask(again, true), "banana", "it goes on with what waits");
    assert.equal(await ask(other, true), "apple, alone");
  });

  it("is tried again there after that, if nobody else took it", async () => {
    await vanish({ "pod-1": 1 });
    const [again] = [await start("pod-1"), await start("pod-2")];
    await passHeard(3 * LEASE);
    assert.equal(await ask(again, true), "apple, alone");
  });

  it("is tried again there at once, if nobody else lives", async () => {
    await vanish({ "pod-1": 1 });
    assert.equal(await ask(await start("pod-1"), true), "apple, alone");
  });

  it("does not hide another one that its pod may take", async () => {
    await vanish({ "pod-1": 1, "pod-2": 1 });
    const [first] = [await start("pod-1"), await start("pod-2")];
    assert.equal(await ask(first, true), "banana, alone");
  });

  it("holds up nobody with other items in flight", async () => {
    await vanish({ "pod-1": 2 });
    const [busy, free] = [await start("a"), await start("b")];
    assert.equal(await ask(busy, false), "cherry");
    assert.equal(await ask(free, true), "apple, alone");
    assert.equal(await ask(busy, true), "banana, alone", "as soon as it has none");
  });
});
