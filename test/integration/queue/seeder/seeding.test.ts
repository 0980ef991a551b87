import assert from "node:assert/strict";
import type { Counts } from "../../../../queue/index.ts";
import { keys, QUEUES } from "../../../../queue/redis/keys.ts";
import { Seeder } from "../../../../queue/seeder/seeder.ts";
import { FRUITS, SeederFixture, VERSIONS } from "../../../support/seederFixture.ts";

const k = keys("job2");

for (const version of VERSIONS) {
  describe(`Seeder, Redis ${version}`, () => {
    const queue = SeederFixture.register(version);
    const seed: SeederFixture["seed"] = (source, options) => queue.seed(source, options);

    it("fills the list in order and opens the batch", async () => {
      assert.deepEqual(await seed(FRUITS), { total: 9, added: 9, removed: 0, requeued: 0, kept: 0 });
      assert.deepEqual(await queue.list(), FRUITS);
      const { state, owner, total, waiting } = await queue.admin.counts();
      assert.deepEqual({ state, owner, total, waiting }, { state: "open", owner: "fruit/dev", total: 9, waiting: 9 });
      assert.equal(await queue.batch("seeded"), "1");
    });

    it("waits until what it wrote is on disk, if Redis can say so", async () => {
      await queue.redis.config("RESETSTAT");
      await seed(FRUITS);
      const said = (await queue.redis.info("commandstats")).includes("cmdstat_waitaof:calls=1,");
      assert.equal(said, version === "8");
    });

    it("opens an empty batch for no items at all", async () => {
      assert.deepEqual(await seed([]), { total: 0, added: 0, removed: 0, requeued: 0, kept: 0 });
      assert.deepEqual(await queue.redis.hmget(k.batch, "state", "seeded", "total"), ["open", "1", "0"]);
      assert.equal((await seed(["apple"])).added, 1);
      assert.deepEqual(await queue.list(), ["apple"]);
    });

    it("changes nothing for the same list", async () => {
      await seed(FRUITS);
      const before = { ...(await queue.redis.hgetall(k.batch)), seedId: "" };
      assert.deepEqual(await seed(FRUITS), { total: 9, added: 0, removed: 0, requeued: 0, kept: 0 });
      assert.deepEqual({ ...(await queue.redis.hgetall(k.batch)), seedId: "" }, before);
      assert.deepEqual(await queue.list(), FRUITS);
    });

    it("leaves a finished batch finished for the same list", async () => {
      await seed(["apple"]);
      await queue.give("done", 1);
      await queue.redis.hset(k.batch, "state", "finished", "endedAt", 77);
      assert.deepEqual(await seed(["apple"]), { total: 1, added: 0, removed: 0, requeued: 0, kept: 1 });
      assert.deepEqual(await queue.redis.hmget(k.batch, "state", "endedAt"), ["finished", "77"]);
    });

    it("appends to a list that grew at its end while items are reserved, and `finished` is not said", async () => {
      await seed(FRUITS);
      await queue.redis.hset(k.batch, "state", "finished", "endedAt", 77);
      let seen: unknown[] = [];
      const more = Array.from({ length: 22_000 }, (_, index) => `more-${index}`);
      const source = {
        async *[Symbol.asyncIterator]() {
          yield* [...FRUITS, ...more.slice(0, 21_000)];
          seen = [await queue.redis.hget(k.batch, "seeded"), await queue.admin.counts()];
          yield* more.slice(21_000);
        },
      };
      assert.equal((await seed(source)).added, 22_000);
      const [seeded, { state, endedAt }] = seen as [string, Counts];
      assert.deepEqual([state, seeded, endedAt], ["open", "0", 0]);
      assert.deepEqual(await queue.list(), [...FRUITS, ...more]);
      assert.deepEqual(await queue.redis.hmget(k.batch, "state", "seeded"), ["open", "1"]);
    });

    it("keeps duplicates, empty items and bytes as they are", async () => {
      const bytes = Buffer.from([0, 255, 10, 13, 10, 254]);
      const items = ["a", "a", "", "ü€😀", bytes, "x".repeat(31), "x".repeat(32), "y".repeat(300), "", "\r\n"];
      assert.equal((await seed(items)).added, 10);
      const there = await queue.redis.lrangeBuffer(k.list, 0, -1);
      assert.deepEqual(
        there,
        items.map((item) => Buffer.from(item)),
      );
      assert.equal((await seed(items)).added, 0);
      // Text and the bytes of that text are the same item.
      assert.equal((await seed(items.map((item) => Buffer.from(item)))).added, 0);
      assert.deepEqual(await seed(items.slice(1)), { total: 9, added: 0, removed: 1, requeued: 0, kept: 0 });
    });

    it("takes blocks of items, which may be used again for the next ones", async () => {
      const bytes = Buffer.alloc(8);
      const block = { bytes, starts: [0, 2, 5], ends: [2, 2, 8], count: 3 };
      const source = {
        async *[Symbol.asyncIterator]() {
          yield Object.assign(block, { count: bytes.write("abcdefgh") && 3 });
          yield "between";
          yield Object.assign(block, { count: bytes.write("ABCDEFGH") && 2 });
        },
      };
      assert.equal((await seed(source)).added, 6);
      assert.deepEqual(await queue.list(), ["ab", "", "fgh", "between", "AB", ""]);
      assert.equal((await seed(["ab", "", "fgh", "between", "AB", ""])).added, 0);
    });

    it("takes items up to 1 MiB, and refuses a longer one by its number", async () => {
      const mib = 1024 * 1024;
      const long = ["a".repeat(mib), Buffer.alloc(70_000, 7), "é".repeat(mib / 2), Buffer.alloc(mib, 255)];
      await seed(["x", ...long, "y"]);
      const there = await queue.redis.lrangeBuffer(k.list, 0, -1);
      assert.equal(there.length, 6);
      for (const [index, item] of ["x", ...long, "y"].entries())
        assert.equal(there[index]!.equals(Buffer.from(item)), true);
      const message =
        "Item 2 has 1048577 bytes, more than 1048576 (1 MiB): put its data into a file or a bucket, and its name into the list.";
      await assert.rejects(seed(["x", "é".repeat(mib / 2) + "a"]), { message });
      const block = { bytes: Buffer.alloc(mib + 2), starts: [0, 1], ends: [1, mib + 2], count: 2 };
      await assert.rejects(seed([block]), { message });
    });

    it("throws the source's errors, and resumes with the next seeding", async () => {
      let broken = true;
      const source = {
        *[Symbol.iterator]() {
          for (let number = 0; number < 40_000; number++) {
            if (broken && number === 32_345) throw new Error("disk on fire");
            yield `item-${number}`;
          }
        },
      };
      await assert.rejects(seed(source), { message: "disk on fire" });
      assert.equal(await queue.batch("state"), "seeding");
      assert.equal(Number(await queue.batch("offset")) > 0, true);
      broken = false;
      await seed(source);
      assert.deepEqual(await queue.list(), [...source]);
    });

    it("goes on where it was when a full Redis has room again", async () => {
      const items = Array.from({ length: 60_000 }, (_, index) => `item-${index}-${"x".repeat(100)}`);
      // Read as it comes, so that its size is not known beforehand.
      const stream = {
        async *[Symbol.asyncIterator]() {
          yield* items;
        },
      };
      await queue.withRoom(3_000_000, () =>
        assert.rejects(seed(stream), {
          message:
            "Redis is full (maxmemory): raise `redisMemory` and run again. The items in it stay, unless Redis is a " +
            "Pod without `redisStorage`: with another memory it starts empty, and the batch begins anew.",
        }),
      );
      const offset = Number(await queue.batch("offset"));
      assert.equal(offset > 0 && offset < 60_000, true);
      assert.equal((await seed(stream)).added, 60_000 - offset);
      assert.deepEqual(await queue.list(), items);
    });

    it("starts everything over for a new run", async () => {
      await seed(FRUITS);
      for (let id = 1; id <= 4; id++) await queue.give(id % 2 ? "done" : "dead", id);
      await queue.redis.hset(k.batch, "paused", "1");
      assert.deepEqual(await seed(FRUITS, { run: "2" }), { total: 9, added: 9, removed: 0, requeued: 0, kept: 0 });
      assert.deepEqual(await queue.list(), FRUITS);
      assert.deepEqual((await queue.redis.keys("*")).sort(), [k.list, k.batch, QUEUES].sort());
      assert.deepEqual(await queue.redis.hmget(k.batch, "epoch", "owner", "paused"), ["2", "fruit/dev", "1"]);
      assert.equal((await queue.admin.counts()).state, "paused");
    });

    it("reopens an aborted batch", async () => {
      await seed(FRUITS);
      await queue.admin.abort("too many failures");
      await seed(FRUITS);
      const { state, reason, endedAt } = await queue.admin.counts();
      assert.deepEqual([state, reason, endedAt], ["open", undefined, 0]);
    });

    it("makes one list if two seeders work at once", async () => {
      const items = Array.from({ length: 200_000 }, (_, index) => `item-${index}`);
      await Promise.all([seed(items, { seedId: "x" }), seed(items, { seedId: "x" })]);
      assert.deepEqual(await queue.list(), items);
    });

    it("gives up with one line when Redis stays away", async () => {
      const seeder = new Seeder({ url: "redis://127.0.0.1:1", queue: "job2", maxDowntimeMs: 300 });
      await assert.rejects(seeder.seed(FRUITS, { owner: "a/b", run: "1", seedId: "1" }), {
        message:
          "The queue job2 could not be seeded, with no progress for 0 s: No connection to Redis at 127.0.0.1:1: " +
          "connect ECONNREFUSED 127.0.0.1:1; check that it runs and can be reached from here.",
      });
    });
  });
}
