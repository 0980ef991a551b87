import assert from "node:assert/strict";
import { keys } from "../../../../queue/redis/keys.ts";
import { SeederFixture } from "../../../support/seederFixture.ts";

const k = keys("job2");

describe("Seeder and dead items", () => {
  const queue = SeederFixture.register();

  it("requeues the dead once for each seedId", async () => {
    const items = ["a", "b", "c"];
    await queue.seed(items);
    await queue.give("dead", 1);
    await queue.give("lost", 2);
    await queue.redis.hset(k.batch, "state", "finished", "endedAt", 77);
    assert.equal((await queue.seed(items, { seedId: "again" })).requeued, 2);
    assert.deepEqual(await queue.redis.zrange(k.delayed, 0, "-1"), ["1"]);
    assert.deepEqual(await queue.redis.zrange(k.suspects, 0, "-1"), ["2"]);
    assert.equal(await queue.redis.hget(k.items, "1"), 'q\nf5 "no"\n0 0 1000 s1\n\na');
    const { state, endedAt } = await queue.admin.counts();
    assert.deepEqual([state, endedAt], ["open", 0]);
    // It dies again; the same Job's pod is started once more.
    const record = 'f5 "no"\n0 0 1 s\n\na';
    await queue.redis.multi().zrem(k.delayed, "1").hdel(k.items, "1").hset(k.results, "1", record).exec();
    await queue.redis.zadd(k.dead, Date.now() + 60_000, "1");
    assert.equal((await queue.seed(items, { seedId: "again" })).requeued, 0);
    assert.equal((await queue.admin.counts()).dead, 1);
  });

  it("leaves items that die during the requeueing to the next seedId", async () => {
    await queue.seed(["a"]);
    await queue.give("dead", 1);
    // As after a seeder that was killed: items that had died before are requeued, later ones are not.
    await queue.redis.hset(k.batch, "requeue", "again 500");
    await queue.redis.zadd(k.dead, 501, "1");
    assert.equal((await queue.seed(["a"], { seedId: "again" })).requeued, 0);
    assert.equal((await queue.seed(["a"], { seedId: "and again" })).requeued, 1);
  });
});
