// The judgement on slow workers, by their reports: docs/queue/failures.md, "Who is at fault".
import assert from "node:assert/strict";
import type { FailureReport, ReservedItem } from "../../../../queue/redis/callContent.ts";
import { Seeder } from "../../../../queue/index.ts";
import { pass } from "../../../support/consuming.ts";
import { Peer } from "../../../support/peer.ts";
import { redisVersions } from "../../../support/redis.ts";
import { withQueue } from "../../../support/withQueue.ts";

const failing: FailureReport = {
  failures: 20,
  forMs: 60_000,
  longestMs: 60_000,
  reason: "no",
  tries: 10,
  samples: 8,
  newSamples: 0,
  doneBefore: 0,
  failedBefore: 0,
};

for (const version of redisVersions) {
  describe(`judgement, ${version}`, () => {
    const queue = withQueue({ version });
    const { k } = queue;
    const push = (count: number) =>
      queue.redis.rpush(k.list, ...Array.from({ length: count }, (_, number) => `${number}`));

    describe("if every worker fails", () => {
      /** Two workers that fail: one reports it, the other is in the middle of an attempt that takes a minute. */
      const judge = async (mayAbort: boolean) => {
        await push(20);
        const [busy, free] = [new Peer(queue.redis, { mayAbort }), new Peer(queue.redis, { mayAbort })];
        for (const peer of [busy, free]) {
          await peer
            .reserve(1, { heartbeat: "{}" })
            .then(([item]) => peer.call({ acks: [peer.failed(item!, "dead")] }));
          await peer.call({ failing: { ...failing, newSamples: 5 } });
        }
        const held = await busy.reserve(1, { failing });
        for (let seconds = 0; seconds < 50; seconds += 2) {
          await pass(queue.redis, 2_000);
          await busy.renew(held, { heartbeat: "" });
          await free.renew([], { heartbeat: "" });
        }
        return free.call({ failing: { ...failing, newSamples: 5 } });
      };

      it("ends the batch, however long their attempts take", async () => {
        assert.equal((await judge(true)).kind, "aborted");
        assert.match((await queue.admin.counts()).reason!, /^nothing succeeds: 20 attempts in a row failed/);
      });

      it("lets them go on at full speed if failures are allowed", async () => {
        assert.equal((await judge(false)).judgement, "free");
      });
    });

    describe("a sample", () => {
      const numbers = (count: number) => Array.from({ length: count }, (_, number) => `${number}`);
      const seed = (items: string[]) =>
        new Seeder({ url: queue.url, queue: "job2" }).seed(items, { owner: "p/s", run: "1", seedId: "1" });
      /** Payloads of samples, taken one after the other. */
      const samples = async (count: number) => {
        const peer = new Peer(queue.redis);
        const found: string[] = [];
        while (found.length < count)
          found.push(...(await peer.reserve(1, { sample: true })).map(({ payload }) => String(payload)));
        return found;
      };

      it("comes from anywhere in the list, also if an external item is in it, which keeps its place", async () => {
        await seed(numbers(100));
        await queue.redis.rpush(k.list, "by hand");
        await seed(numbers(110));
        assert.notDeepEqual(await samples(12), numbers(12));
        assert.equal(await queue.redis.lindex(k.list, 100 - 12), "by hand");
      });

      it("comes from anywhere among external items, too", async () => {
        await seed(["first"]);
        assert.deepEqual(await samples(1), ["first"]);
        await push(100);
        assert.notDeepEqual(await samples(12), numbers(12));
      });
    });

    describe("if others do items", () => {
      /** Others end `count` attempts, of which each `nth` succeeds, while eight samples of one worker fail. */
      const judge = async (count: number, nth: number) => {
        await push(count + 10);
        const other = new Peer(queue.redis);
        const items = await other.reserve(count, { heartbeat: "{}" });
        const end = (item: ReservedItem, index: number) =>
          index % nth === 0 ? other.done(item) : other.failed(item, "dead");
        await other.call({ acks: items.map(end) });
        return (await new Peer(queue.redis).call({ failing, heartbeat: "{}" })).judgement;
      };

      it("stops a worker if they fail on it alone", async () => {
        assert.equal(await judge(20, 1), "sick");
      });

      it("does not stop a worker that fails as often as the others", async () => {
        assert.equal(await judge(400, 10), "slow");
      });
    });
  });
}
