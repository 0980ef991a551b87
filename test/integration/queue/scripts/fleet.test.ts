// The cost of idle workers, and what a worker leaves behind.
import assert from "node:assert/strict";
import { pass } from "../../../support/consuming.ts";
import { Peer } from "../../../support/peer.ts";
import { redisVersions } from "../../../support/redis.ts";
import { withQueue } from "../../../support/withQueue.ts";

const row = (pod: string) => JSON.stringify({ pod, node: "node-1", slots: 1, startedAt: 1, done: 0, failed: 0 });

for (const version of redisVersions) {
  describe(`a fleet, ${version}`, () => {
    const queue = withQueue({ version, args: ["--appendonly", "yes", "--appendfsync", "no"] });
    const { k } = queue;

    const logBytes = async () => {
      const info = await queue.redis.info("persistence");
      return Number(/aof_current_size:(\d+)/.exec(info)![1]);
    };
    /** Idle workers that Redis knows, while one item is in flight. */
    async function idle(count: number): Promise<Peer[]> {
      await queue.redis.rpush(k.list, "apple");
      await new Peer(queue.redis).reserve();
      const peers = Array.from({ length: count }, () => new Peer(queue.redis));
      for (let times = 0; times < 2; times++) {
        for (const peer of peers) await peer.call({ reserve: 1, exclusive: true, heartbeat: row(peer.session) });
      }
      return peers;
    }

    it("calls at the usual rate while it is small; a large one makes no more calls in all", async () => {
      const [few] = await idle(10);
      assert.equal((await few!.call({ reserve: 1 })).pollMs, 200);
      await queue.redis.flushall();
      const [many] = await idle(1_000);
      assert.equal((await many!.call({ reserve: 1 })).pollMs, 4_000);
      for (let worker = 0; worker < 9_000; worker++) await queue.redis.zadd(k.alive, Date.now() * 2, `w${worker}`);
      assert.equal((await many!.call({ reserve: 1 })).pollMs, 15_000, "and no less often than this");
    });

    it("calls less often while it is paused", async () => {
      const [few] = await idle(2);
      await queue.admin.pause();
      assert.equal((await few!.call({ reserve: 1 })).pollMs, 1_000);
    });

    it("reports less often the more workers there are", async () => {
      for (const [workers, ms] of [
        [2, 1_000],
        [60, 2_000],
        [1_000, 32_000],
      ] as const) {
        await queue.redis.flushall();
        const [peer] = await idle(workers);
        assert.equal((await peer!.call({ reserve: 1, heartbeat: "" })).heartbeatMs, ms);
      }
    });

    it("writes nothing in a call that finds nothing to do", async () => {
      const [peer] = await idle(1);
      await peer!.call({ reserve: 1, exclusive: true }); // about twice per lease, a call notes that a worker was heard
      const before = await logBytes();
      for (let calls = 0; calls < 50; calls++) await peer!.call({ reserve: 1, exclusive: true });
      const written = (await logBytes()) - before;
      assert.ok(written < 400, `${written} bytes`);
      assert.deepEqual(
        await queue.redis.hkeys(k.workers).then((fields) => fields.filter((f) => f.includes(peer!.session))),
        [peer!.session],
      );
    });

    it("writes little by a heartbeat in which nothing changed", async () => {
      const [peer] = await idle(1);
      const before = await logBytes();
      for (let calls = 0; calls < 50; calls++) await peer!.call({ reserve: 1, heartbeat: "" });
      const written = (await logBytes()) - before;
      assert.ok(written < 50 * 130, `${written / 50} bytes each`);
    });

    it("keeps nothing of a worker that never reserved an item, once it ends", async () => {
      await queue.redis.rpush(k.list, "apple");
      await new Peer(queue.redis).reserve();
      const fields = await queue.redis.hlen(k.workers);
      const peer = new Peer(queue.redis);
      for (let calls = 0; calls < 3; calls++) await peer.call({ reserve: 1, heartbeat: row("pod-1") });
      await peer.deregister(row("pod-1"));
      assert.deepEqual(
        [await queue.redis.hlen(k.workers), await queue.redis.zscore(k.alive, peer.session)],
        [fields, null],
      );
    });

    it("keeps pod and node of a worker that reserved items, since their attempts name it", async () => {
      await queue.redis.rpush(k.list, "apple");
      const peer = new Peer(queue.redis);
      const { reserved } = await peer.call({ reserve: 1, heartbeat: row("pod-1") });
      await peer.call({ acks: [peer.done(reserved[0]!)] });
      await peer.deregister(row("pod-1"));
      assert.deepEqual(await queue.redis.hkeys(k.workers), [peer.session]);
      const [record] = await queue.records();
      assert.equal(record!.attempts[0]!.pod, "pod-1");
    });

    it("forgets workers that vanished, in its own time, and not in a silence", async () => {
      await queue.redis.rpush(k.list, "apple");
      const [heir, holder, nobody] = [new Peer(queue.redis), new Peer(queue.redis), new Peer(queue.redis)];
      await holder.call({ reserve: 1, heartbeat: row("holder") });
      await nobody.call({ reserve: 1, heartbeat: row("nobody") });
      await nobody.call({ reserve: 1, heartbeat: row("nobody") });
      await pass(queue.redis, 100_000);
      await heir.call({ heartbeat: row("heir") });
      assert.deepEqual(
        (await queue.redis.hkeys(k.workers)).sort(),
        [holder.session, `${holder.session}#1`, nobody.session].sort(),
      );
      for (let times = 0; times < 4; times++) {
        await pass(queue.redis, 3_000);
        await heir.call({ heartbeat: row("heir") });
      }
      assert.deepEqual((await queue.redis.hkeys(k.workers)).sort(), [heir.session, holder.session].sort());
      assert.deepEqual(await queue.redis.zrange(k.alive, "0", "-1"), [heir.session]);
    });

    it("stays small over many workers that vanish without ever working", async () => {
      await queue.redis.rpush(k.list, "apple");
      await new Peer(queue.redis).reserve();
      for (let worker = 0; worker < 3_000; worker++) {
        await new Peer(queue.redis).call({ reserve: 1, exclusive: true, heartbeat: row(`pod-${worker}`) });
        if (worker % 100 === 0) await pass(queue.redis, 3_000);
      }
      assert.ok((await queue.redis.zcard(k.alive)) < 2_000);
      assert.ok((await queue.redis.hlen(k.workers)) < 10);
    });

    it("is told who is alive and who is not", async () => {
      const [peer] = await idle(3);
      const { workersAlive } = await queue.admin.counts();
      assert.equal(workersAlive, 3);
      const infos = await queue.admin.workers();
      assert.equal(infos.filter(({ alive }) => alive).length, 3);
      const info = infos.find(({ session }) => session === peer!.session)!;
      assert.ok(Math.abs(info.lastSeen - Date.now()) < 5_000, `last seen ${Date.now() - info.lastSeen} ms ago`);
      await pass(queue.redis, 60_000);
      assert.equal((await queue.admin.counts()).workersAlive, 0);
    });
  });
}
