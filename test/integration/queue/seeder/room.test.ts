import assert from "node:assert/strict";
import { keys } from "../../../../queue/redis/keys.ts";
import { Seeder } from "../../../../queue/seeder/seeder.ts";
import { rangeSource } from "../../../../seed/sources.ts";
import { SeederFixture, VERSIONS } from "../../../support/seederFixture.ts";

const k = keys("job2");
const MIB = 2 ** 20;
/** Numbers as items: a million take 4.7 MiB. */
const numbers = (count: number) => rangeSource(`1..${count}`);

for (const version of VERSIONS) {
  describe(`Seeder and the room in Redis, Redis ${version}`, () => {
    const queue = SeederFixture.register(version, []);

    it("refuses a list that cannot fit, with both sizes, before anything is changed", async () => {
      await queue.withRoom(3 * MIB, () =>
        assert.rejects(queue.seed(numbers(1_000_000)), {
          message:
            "These 1,000,000 items need about 5 MiB and Redis has room for 3 MiB (maxmemory): raise `redisMemory`; nothing was changed.",
        }),
      );
      assert.equal(await queue.redis.dbsize(), 0);
    });

    it("refuses it as a list, as an iterable, and as a stream that tells its size", async () => {
      const items = Array.from({ length: 60_000 }, (_, index) => `item-${index}-${"x".repeat(100)}`);
      const sources = [
        items,
        { [Symbol.iterator]: () => items[Symbol.iterator]() },
        {
          async *[Symbol.asyncIterator]() {
            yield* items;
          },
          maxBytes: 7_000_000,
        },
      ];
      await queue.withRoom(3 * MIB, async () => {
        for (const source of sources)
          await assert.rejects(queue.seed(source), /These 60,000 items need about 7 MiB and Redis has room for 3 MiB/);
      });
      assert.equal(await queue.redis.dbsize(), 0);
    });

    it("refuses a Redis that evicts, by its policy", async () => {
      await queue.redis.config("SET", "maxmemory-policy", "allkeys-lru");
      try {
        const message =
          "Redis deletes keys when it is full (maxmemory-policy allkeys-lru), and items with them: set it to noeviction; nothing was changed.";
        await assert.rejects(queue.seed(["a"]), { message });
        assert.equal(await queue.redis.dbsize(), 0);
      } finally {
        await queue.redis.config("SET", "maxmemory-policy", "noeviction");
      }
    });

    it("accepts a list that fits", async () => {
      const report = await queue.withRoom(7 * MIB, () => queue.seed(numbers(1_000_000)));
      assert.equal(report.added, 1_000_000);
    });

    it("counts items that wait already, and items that were taken", async () => {
      await queue.seed(numbers(1_000_000));
      await queue.redis.ltrim(k.list, 300_000, -1);
      await queue.redis.hset(k.batch, "lastId", 300_000, "lastLength", 700_000);
      const grown = await queue.withRoom(2 * MIB, () => queue.seed(numbers(1_200_000)));
      assert.deepEqual([grown.added, grown.total], [200_000, 1_200_000]);
      await queue.withRoom(2 * MIB, () =>
        assert.rejects(queue.seed(numbers(2_000_000)), /^SeedRefusedError: These 2,000,000 items need about/),
      );
      assert.deepEqual(await queue.redis.hmget(k.batch, "state", "total", "seeded"), ["open", "1200000", "1"]);
    });

    it("counts the memory that a new run frees", async () => {
      await queue.seed(numbers(1_000_000));
      await queue.redis.hset(k.batch, "lastId", 1_000_000);
      const report = await queue.withRoom(2 * MIB, () => queue.seed(numbers(1_100_000), { run: "2" }));
      assert.equal(report.added, 1_100_000);
      await queue.withRoom(2 * MIB, () =>
        assert.rejects(queue.seed(numbers(2_000_000), { run: "3" }), /nothing was changed/),
      );
      assert.equal(await queue.batch("run"), "2");
    });

    it("reports another owner before the room", async () => {
      await queue.seed(["a"]);
      await queue.withRoom(3 * MIB, () =>
        assert.rejects(
          queue.seed(numbers(1_000_000), { owner: "veg/prod" }),
          /^SeedRefusedError: The queue job2 belongs/,
        ),
      );
    });

    it("goes on where Redis does not tell its memory", async () => {
      await queue.redis.call("ACL", "SETUSER", "seeder", "on", ">secret", "~*", "+@all", "-memory");
      const url = queue.server.url.replace("//", "//seeder:secret@");
      const seeder = new Seeder({ url, queue: "job2", maxDowntimeMs: 2000 });
      const options = { owner: "a/b", run: "1", seedId: "1" };
      assert.equal((await seeder.seed(["a"], options)).added, 1);
      await queue.withRoom(2 * MIB, () =>
        assert.rejects(seeder.seed(numbers(3_000_000), options), /^RedisFullError: Redis is full/),
      );
    });
  });
}
