// Only a crash of its worker counts as a loss of an item.
import assert from "node:assert/strict";
import { Seeder } from "../../../../queue/index.ts";
import type { ReservedItem } from "../../../../queue/redis/callContent.ts";
import type { ItemRecord } from "../../../../queue/types.ts";
import { pass } from "../../../support/consuming.ts";
import { Peer } from "../../../support/peer.ts";
import { redisVersions } from "../../../support/redis.ts";
import { withQueue } from "../../../support/withQueue.ts";

const LEASE = 10_000;
const item = { pod: "pod-1", node: "node-1", slots: 1, startedAt: 0, done: 0, failed: 0 };

for (const version of redisVersions) {
  describe(`losses, ${version}`, () => {
    const queue = withQueue({ version, args: ["--appendonly", "yes"] });
    const { k } = queue;
    let a: Peer;
    let b: Peer;
    beforeEach(() => {
      a = new Peer(queue.redis);
      b = new Peer(queue.redis);
    });

    /** Lets time pass while other workers are heard. */
    const passHeard = async (ms: number) => {
      for (let left = ms; left > 0; left -= 3_000) {
        await pass(queue.redis, Math.min(left, 3_000));
        await b.renew([]);
      }
    };
    /** Reserves the only item. If the machine stood still, that was another silence, and it takes longer. */
    const takeIt = async () => {
      for (let looks = 0; looks < 10; looks++) {
        if ((await new Peer(queue.redis).reserve()).length === 1) return;
        await passHeard(LEASE / 2 + 100);
      }
      assert.fail("it was never given out again");
    };
    /** The same, and then Redis is away for a minute: another worker says that it could not reach it. */
    const takeBeforeOutage = async () => {
      await takeIt();
      await pass(queue.redis, 60_000);
      await b.renew([], { waited: 50_000 });
      await passHeard(LEASE / 2 + 100);
    };
    /** Waits until Redis's start proves nothing: it must be older than the silences of a test. */
    const provesNothing = () =>
      queue.until(async () => /uptime_in_seconds:([3-9]|\d\d)/.test(await queue.redis.info("server")));

    describe("after a silence", () => {
      it("does not count a lease that ran out in it", async () => {
        await queue.redis.rpush(k.list, "apple");
        for (let times = 1; times <= 2; times++) {
          const peer = new Peer(queue.redis);
          const [apple] = await peer.reserve();
          assert.deepEqual([apple!.failures, apple!.losses], [0, 0]);
          await pass(queue.redis, 60_000);
          assert.deepEqual(await b.reserve(), []);
          await passHeard(LEASE / 2 + 100);
        }
        assert.equal((await b.reserve()).length, 1);
        const { lost } = await queue.places();
        assert.equal(lost, 0);
        const [{ attempts }] = (await queue.records()) as [ItemRecord];
        assert.deepEqual(
          attempts.map(({ outcome }) => outcome),
          ["released", "released"],
        );
        assert.match(attempts[0]!.error!, /^no worker was heard for a while/);
      });

      it("does not count it either if the first worker that is heard is one that leaves", async () => {
        await queue.redis.rpush(k.list, "apple");
        await a.reserve();
        await pass(queue.redis, 60_000);
        await new Peer(queue.redis).deregister();
        assert.deepEqual(await b.reserve(), []);
        await passHeard(LEASE / 2 + 100);
        assert.equal((await b.reserve()).length, 1);
        assert.equal((await queue.places()).lost, 0);
      });

      it("counts a lease that ran out after it", async () => {
        await queue.redis.rpush(k.list, "apple");
        await a.reserve();
        await pass(queue.redis, 60_000);
        await b.renew([]);
        await a.call(); // it is alive, but does not renew its lease
        const [again] = await a.reserve();
        assert.equal(again, undefined);
        await passHeard(LEASE);
        const [apple] = await b.reserve();
        assert.equal(apple!.losses, 0, "this one had run out in the silence");
        await passHeard(LEASE);
        await a.call({ reserve: 1 });
        assert.equal((await queue.places()).lost, 1);
      });

      it("counts the third loss if nothing proves that Redis was away: the item may kill the only worker", async () => {
        await provesNothing();
        await queue.redis.rpush(k.list, "poison");
        let runs = 0;
        for (let round = 0; round < 20; round++) {
          const peer = new Peer(queue.redis, { leaseMs: 1_000 });
          await peer.call();
          for (let wait = 0; wait < 2; wait++) {
            await pass(queue.redis, 300);
            runs += (await peer.reserve()).length;
          }
          await pass(queue.redis, 900);
        }
        assert.equal(runs, 5, "two silences and three losses");
        assert.equal((await queue.places()).dead, 1);
      });

      it("counts no loss if a worker could not reach Redis meanwhile", async () => {
        await queue.redis.rpush(k.list, "apple");
        for (let times = 1; times <= 6; times++) {
          await takeBeforeOutage();
        }
        const { dead, lost } = await queue.places();
        assert.deepEqual({ dead, lost }, { dead: 0, lost: 0 });
      });

      it("counts one after ten of them: the item may take Redis with it", async () => {
        await queue.redis.rpush(k.list, "apple");
        for (let times = 1; times <= 13; times++) {
          await takeBeforeOutage();
          await b.call();
          await passHeard(LEASE / 10);
        }
        const { dead, lost } = await queue.places();
        assert.deepEqual({ dead, lost }, { dead: 1, lost: 3 });
      });

      it("counts no loss if Redis was restarted meanwhile", async () => {
        await queue.redis.rpush(k.list, "apple");
        for (let times = 1; times <= 4; times++) {
          await takeIt();
          await pass(queue.redis, 60_000);
          await queue.redis.ping();
          await queue.server.kill();
          await queue.server.restart();
          await queue.until(() => queue.redis.status === "ready");
          await b.reserve();
          await passHeard(LEASE / 2 + 100);
        }
        const { dead, lost } = await queue.places();
        assert.deepEqual({ dead, lost }, { dead: 0, lost: 0 });
      });

      it("gives live workers half a lease to renew, and reclaims nothing meanwhile", async () => {
        await queue.redis.rpush(k.list, "apple");
        const [apple] = await a.reserve();
        await pass(queue.redis, 60_000);
        assert.deepEqual(await b.reserve(), []);
        assert.deepEqual((await a.renew([apple!])).gone, []);
        await passHeard(LEASE / 2 + 100);
        assert.deepEqual(await b.reserve(), []);
        assert.deepEqual((await a.call({ acks: [a.done(apple!)] })).stale, []);
      });
    });

    describe("of a worker that is heard after all", () => {
      /** a's lease runs out while others are alive, and its item is a suspect. */
      async function loseApple() {
        await queue.redis.rpush(k.list, "apple");
        const [apple] = await a.reserve(1, { heartbeat: JSON.stringify(item) });
        await passHeard(LEASE);
        await b.call({ reserve: 1 });
        assert.equal((await queue.places()).lost, 1);
        return apple!;
      }

      it("are taken back: its outcome is recorded, if no other worker has the item", async () => {
        const apple = await loseApple();
        assert.deepEqual((await a.call({ acks: [a.done(apple, "late")] })).stale, []);
        const { done, lost } = await queue.places();
        assert.deepEqual({ done, lost }, { done: 1, lost: 0 });
        const [record] = await queue.records();
        assert.deepEqual([record!.value, record!.attempts.length], ['"late"', 1]);
      });

      it("are taken back: its lease holds again, if no other worker has the item", async () => {
        const apple = await loseApple();
        assert.deepEqual((await a.renew([apple])).gone, []);
        const { running, delayed, lost } = await queue.places();
        assert.deepEqual({ running, delayed, lost }, { running: 1, delayed: 0, lost: 0 });
        assert.deepEqual((await a.call({ acks: [a.failed(apple)] })).stale, []);
        const [again] = await b.reserve();
        assert.deepEqual([again!.failures, again!.losses], [1, 0]);
      });

      it("are taken back: also the last one, as long as the batch goes on", async () => {
        await queue.redis.rpush(k.list, "apple", "banana");
        const [apple] = await a.reserve();
        const [banana] = await b.reserve();
        for (let times = 0; times < 4; times++) {
          await pass(queue.redis, 2_500);
          await b.renew([banana!]);
        }
        await new Peer(queue.redis, { maxLosses: 1 }).call();
        assert.equal((await queue.places()).dead, 1);
        assert.deepEqual((await a.renew([apple!])).gone, []);
        assert.equal((await queue.places()).dead, 0);
        assert.deepEqual((await a.call({ acks: [a.done(apple!, "late")] })).stale, []);
        const [record] = await queue.records();
        assert.deepEqual([record!.outcome, record!.value], ["done", '"late"']);
      });

      it("count if another worker has the item; its outcome does not", async () => {
        const apple = await loseApple();
        await pass(queue.redis, LEASE / 10);
        const [stolen] = await b.reserve();
        assert.equal(stolen!.losses, 1);
        assert.deepEqual((await a.call({ acks: [a.done(apple)] })).stale, [a.member(apple)]);
        assert.deepEqual((await a.renew([apple])).gone, [a.member(apple)]);
        await b.call({ acks: [b.done(stolen!)] });
        const [record] = await queue.records();
        assert.deepEqual(
          record!.attempts.map(({ outcome }) => outcome),
          ["lost", "done"],
        );
      });

      it("are not those of the next run's item with the same id: a report of the old item is stale", async () => {
        const seed = (run: string, items: string[]) =>
          new Seeder({ url: queue.url, queue: "job2" }).seed(items, { owner: "p/s", run, seedId: run });
        await seed("1", ["old"]);
        const [old] = await a.reserve();
        await seed("2", ["new", "other"]);
        const [next] = await a.reserve();
        assert.equal(next!.id, old!.id);
        await b.reserve();
        await passHeard(LEASE);
        await b.call({ reserve: 0 });
        assert.equal((await queue.places()).delayed, 2);
        assert.deepEqual((await a.renew([old!])).gone, [a.member(old!)]);
        for (const outcome of [a.done(old!, "of the old one"), a.released(old!)])
          assert.deepEqual((await a.call({ acks: [outcome] })).stale, [a.member(old!)]);
        const { running, done, delayed } = await queue.places();
        assert.deepEqual({ running, done, delayed }, { running: 0, done: 0, delayed: 2 });
      });
    });

    it("of records, as by eviction, do not stop the batch: it ends without these items", async () => {
      await queue.redis.rpush(k.list, "apple", "banana", "cherry", "date");
      const [apple, , cherry] = await a.reserve(3);
      await a.call({ acks: [a.failed(apple!), a.lost(cherry!, "it broke")] });
      await queue.redis.del(k.items);
      await passHeard(LEASE);
      const [date] = await b.reserve();
      assert.equal(String(date!.payload), "date");
      assert.equal((await b.call({ acks: [b.done(date!)] })).kind, "finished");
      const { total, done, dead } = await queue.admin.counts();
      assert.deepEqual({ total, done, dead }, { total: 4, done: 1, dead: 0 });
    });

    it("are counted after ten times in which nobody came to begin the item: it may end workers before", async () => {
      await queue.redis.rpush(queue.k.list, "too long");
      let runs = 0;
      for (let round = 0; round < 20; round++) {
        const peer = new Peer(queue.redis);
        peer.begins = false;
        runs += (await peer.reserve()).length;
        await passHeard(LEASE);
        await b.call();
        await passHeard(LEASE / 10);
      }
      assert.equal(runs, 13, "ten times excused, and three losses");
      assert.equal((await queue.places()).dead, 1);
    });

    it("make an item dead as often as maxLosses says", async () => {
      for (const maxLosses of [1, 2, 5]) {
        await queue.redis.flushall();
        await queue.redis.rpush(k.list, "poison");
        let runs = 0;
        for (let round = 0; round < 10; round++) {
          runs += (await new Peer(queue.redis, { maxLosses }).reserve()).length;
          await passHeard(LEASE);
          await new Peer(queue.redis, { maxLosses }).call({ reserve: 1 });
          await passHeard(LEASE / 10);
        }
        assert.equal(runs, maxLosses);
        assert.equal((await queue.places()).dead, 1);
      }
    });

    it("are recorded with the reason that a process gives for all items it held", async () => {
      await queue.redis.rpush(k.list, "apple");
      const [apple] = await a.reserve();
      await a.call({ acks: [a.lost(apple!, "the process broke while 2 items were in flight: no socket")] });
      assert.equal((await queue.places()).lost, 1);
      const [record] = await queue.records();
      assert.equal(record!.reason, "lost: the process broke while 2 items were in flight: no socket");
    });

    describe("of every worker", () => {
      /** Workers that take items, one unless told otherwise, and vanish with them, until the batch is over. */
      const vanish = async (reserve = 1, maxLosses = 3) => {
        for (let state = "open"; state === "open"; state = (await queue.admin.counts()).state) {
          await new Peer(queue.redis).reserve(reserve);
          await passHeard(LEASE);
          await new Peer(queue.redis, { maxLosses }).call(); // takes back what ran out
        }
        const { state, reason, dead } = await queue.admin.counts();
        return { state, reason: reason?.split(",")[0], dead };
      };
      const reason = "workers vanish: 6 times in a row";

      it("end the batch if none was ever done", async () => {
        await queue.redis.rpush(k.list, ..."abcdef");
        assert.deepEqual(await vanish(), { state: "aborted", reason, dead: 0 });
      });

      it("end it if each reserves many, and none is tried again: from the fourth worker on, each gets one item", async () => {
        await queue.redis.rpush(k.list, ...Array.from({ length: 400 }, (_, number) => `${number}`));
        assert.deepEqual(await vanish(100, 1), { state: "aborted", reason, dead: 303 });
      });

      it("end it if each worker starts long after the others are gone", async () => {
        await queue.redis.rpush(k.list, ...Array.from({ length: 100 }, (_, number) => `${number}`));
        const leaseMs = 1_000;
        await provesNothing();
        let starts = 0;
        const isOpen = async () => starts === 0 || (await queue.admin.counts()).state === "open";
        for (; starts < 30 && (await isOpen()); starts++) {
          const lone = new Peer(queue.redis, { leaseMs });
          // The worker calls until it gets an item, and vanishes.
          while ((await lone.reserve()).length === 0 && (await isOpen())) await pass(queue.redis, leaseMs / 4);
          await pass(queue.redis, 0.9 * leaseMs);
        }
        assert.equal((await queue.admin.counts()).reason?.split(",")[0], reason);
        assert.ok(starts < 12, `${starts} starts`);
      });

      for (const [left, end] of [
        ["abcdef", { state: "finished", reason: undefined, dead: 6 }],
        ["abcdefg", { state: "aborted", reason, dead: 0 }],
      ] as const) {
        it(`${end.dead ? "are waited for" : "end it"} if others were done and ${left.length} are left`, async () => {
          await queue.redis.rpush(k.list, "good", ...left);
          const [good] = await a.reserve();
          await a.call({ acks: [a.done(good!)] });
          assert.deepEqual(await vanish(), end);
        });
      }
    });

    describe("of some workers", () => {
      /** Workers with an item each, that renew while time passes. */
      const start = async (count: number) => {
        const workers = Array.from({ length: count }, () => new Peer(queue.redis));
        return Promise.all(workers.map(async (worker) => ({ worker, held: await worker.reserve() })));
      };
      const passAtWork = async (workers: Awaited<ReturnType<typeof start>>, ms: number) => {
        for (let left = ms; left > 0; left -= 3_000) {
          await pass(queue.redis, Math.min(left, 3_000));
          for (const { worker, held } of workers) assert.deepEqual((await worker.renew(held)).gone, []);
          await b.call();
        }
      };

      it("do not end the batch while most are well and at work, whenever they began", async () => {
        await queue.redis.rpush(k.list, ...Array.from({ length: 60 }, (_, number) => `${number}`));
        const [first] = await start(1);
        await passAtWork([first!], 300_000);
        const others = await start(20);
        await passAtWork(others, 30_000); // the first one vanishes, which is noticed
        const later = await start(20);
        for (let vanished = 1; vanished <= 5; vanished++) {
          others.pop();
          await passAtWork([...others, ...later], 30_000);
        }
        others.splice(0);
        for (let vanished = 1; vanished <= 5; vanished++) {
          later.pop();
          await passAtWork(later, 30_000);
        }
        const { state, lost, running } = await queue.places();
        assert.deepEqual({ state, lost, running }, { state: "open", lost: 26, running: 15 });
      });
    });

    describe("while others live", () => {
      /** A worker takes an item and vanishes, which another one notices. */
      const vanish = async (times: number) => {
        for (let time = 0; time < times; time++) {
          await new Peer(queue.redis).reserve();
          await passHeard(LEASE);
          await b.call();
        }
      };
      const state = async () => (await queue.places()).state;
      const many = Array.from({ length: 60 }, (_, number) => `${number}`);

      it("do not end the batch, however late the others started and however few they are", async () => {
        await queue.redis.rpush(k.list, ...many);
        await vanish(4);
        const late = new Peer(queue.redis);
        const held = await late.reserve();
        for (let time = 0; time < 20; time++) {
          await new Peer(queue.redis).reserve();
          for (let step = 0; step < 4; step++) {
            await pass(queue.redis, LEASE / 4);
            assert.deepEqual((await late.renew(held)).gone, []);
            await b.call();
          }
        }
        assert.equal(await state(), "open");
      });

      for (const [what, end] of [
        ["put items off", (peer: Peer, item: ReservedItem) => peer.putOff(item, 1)],
        ["fail", (peer: Peer, item: ReservedItem) => peer.failed(item, "dead")],
      ] as const) {
        it(`do not end it if these ${what}: they outlive their items`, async () => {
          await queue.redis.rpush(k.list, ...many);
          for (let time = 0; time < 20; time++) {
            await vanish(1);
            const [item] = await a.reserve(1, { exclusive: false });
            if (item) await a.call({ acks: [end(a, item)] });
          }
          assert.equal(await state(), "open");
        });
      }

      it("end it if all end like that after minutes each, in twice the time that they last", async () => {
        await queue.redis.rpush(k.list, ...many);
        const started: { worker: Peer; held: ReservedItem[]; left: number }[] = [];
        const start = async (left: number) => {
          const worker = new Peer(queue.redis);
          started.push({ worker, left, held: await worker.reserve() });
        };
        // Ten pods, each of which lasts for five minutes, and is started again.
        for (let pod = 1; pod <= 10; pod++) await start(30 * pod);
        let seconds = 0;
        for (; (await state()) === "open" && seconds < 3_600; seconds += 2) {
          await pass(queue.redis, 2_000);
          for (const one of started.splice(0)) {
            one.left -= 2;
            if (one.left <= 0) await start(300);
            else {
              await one.worker.renew(one.held);
              started.push(one);
            }
          }
          await b.call();
        }
        assert.equal(await state(), "aborted");
        assert.ok(seconds < 3 * 300, `after ${seconds} s`);
      });
    });

    describe("when the clock goes back", () => {
      it("does not hold up the items of vanished workers for that time", async () => {
        await queue.redis.rpush(k.list, "apple");
        await a.reserve();
        await pass(queue.redis, -3_600_000);
        await b.renew([]);
        await passHeard(LEASE);
        await b.reserve();
        await passHeard(LEASE / 10);
        assert.equal((await b.reserve()).length, 1);
      });

      it("does not hold up delayed items", async () => {
        await queue.redis.rpush(k.list, "apple", "banana");
        const [apple, banana] = await a.reserve(2);
        await a.call({ acks: [a.failed(apple!, 20_000), a.released(banana!)] });
        await pass(queue.redis, -3_600_000);
        await b.renew([]);
        await passHeard(LEASE / 20);
        assert.deepEqual(
          (await b.reserve(2)).map(({ id }) => id),
          [banana!.id],
        );
        await passHeard(21_000);
        assert.deepEqual(
          (await new Peer(queue.redis).reserve(2)).map(({ id }) => id),
          [apple!.id],
        );
      });

      it("lets live workers renew", async () => {
        await queue.redis.rpush(k.list, "apple");
        const taken = await a.reserve();
        await pass(queue.redis, -3_600_000);
        assert.deepEqual((await a.renew(taken)).gone, []);
        await passHeard(LEASE / 2);
        assert.deepEqual((await a.renew(taken)).gone, []);
        await passHeard(LEASE / 2);
        assert.deepEqual(await b.reserve(), []);
      });
    });
  });
}
