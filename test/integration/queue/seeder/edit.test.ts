import assert from "node:assert/strict";
import { keys } from "../../../../queue/redis/keys.ts";
import { FRUITS, SeederFixture, VERSIONS } from "../../../support/seederFixture.ts";

const k = keys("job2");

for (const version of VERSIONS) {
  describe(`Seeder and an edited list, Redis ${version}`, () => {
    const queue = SeederFixture.register(version);
    const seed: SeederFixture["seed"] = (source, options) => queue.seed(source, options);

    /** A source that acts when it is read for the second time, which is during the edit. */
    const editing = (items: string[], act: () => Promise<unknown>) => {
      let reads = 0;
      return {
        async *[Symbol.asyncIterator]() {
          if (++reads === 2) await act();
          yield* items;
        },
      };
    };

    it("lets nothing be reserved, drops and adds what differs, and keeps the order of the source", async () => {
      await seed(FRUITS);
      let state: string | null = null;
      const edited = ["kiwi", ...FRUITS.filter((fruit) => fruit !== "date").reverse(), "apple"];
      const source = editing(edited, async () => (state = await queue.batch("state")));
      assert.deepEqual(await seed(source), { total: 10, added: 2, removed: 1, requeued: 0, kept: 0 });
      assert.equal(state, "seeding");
      assert.deepEqual(await queue.list(), edited);
      assert.equal(await queue.batch("state"), "open");
      assert.equal(await queue.redis.exists(k.next), 0);
      assert.deepEqual(await seed(edited), { total: 10, added: 0, removed: 0, requeued: 0, kept: 0 });
    });

    it("empties the list for an empty source, and fills it again", async () => {
      await seed(FRUITS);
      assert.deepEqual(await seed([]), { total: 0, added: 0, removed: 9, requeued: 0, kept: 0 });
      assert.equal(await queue.redis.exists(k.list, k.next), 0);
      assert.equal((await seed(["fig"])).added, 1);
    });

    it("brings a list of large items in line", async () => {
      const items = Array.from({ length: 30 }, (_, index) => `${index}`.padEnd(1000 * 1000, "x"));
      await seed(items);
      const edited = items.filter((_, index) => index % 7 !== 2);
      assert.deepEqual(await seed(edited), { total: 26, added: 0, removed: 4, requeued: 0, kept: 0 });
      assert.deepEqual(
        (await queue.list()).map((item) => parseInt(item)),
        edited.map((item) => parseInt(item)),
      );
    });

    it("adopts a list filled by hand, and never removes from it", async () => {
      await queue.redis.rpush(k.list, "apple", "by hand");
      assert.deepEqual(await seed(["apple", "fig"]), { total: 4, added: 2, removed: 0, requeued: 0, kept: 0 });
      assert.deepEqual(await queue.list(), ["apple", "by hand", "apple", "fig"]);
      await queue.redis.rpush(k.list, "later");
      assert.deepEqual(await seed(["fig", "plum"]), { total: 5, added: 1, removed: 1, requeued: 0, kept: 0 });
      assert.deepEqual(await queue.list(), ["fig", "plum", "apple", "by hand", "later"]);
      assert.deepEqual(await seed([]), { total: 3, added: 0, removed: 2, requeued: 0, kept: 0 });
      assert.deepEqual(await queue.list(), ["apple", "by hand", "later"]);
    });

    it("adopts a batch that workers began on a list filled by hand", async () => {
      await queue.redis.rpush(k.list, "by hand", "waits");
      await queue.redis.hset(k.batch, { schema: 1, owner: "", epoch: 1, state: "open", seeded: 1, total: 2, seen: 2 });
      await queue.give("done", 1);
      assert.deepEqual(await seed(["waits", "fig"]), { total: 4, added: 2, removed: 0, requeued: 0, kept: 1 });
      assert.deepEqual(await queue.list(), ["waits", "waits", "fig"]);
      assert.deepEqual(await queue.redis.hmget(k.batch, "owner", "run", "epoch"), ["fruit/dev", "1", "1"]);
      await seed([]);
      assert.deepEqual(await queue.list(), ["waits"]);
    });

    for (const count of [1, 16, 17, 5000]) {
      it(`keeps ${count} items that are pushed by hand meanwhile, behind all others`, async () => {
        await seed(FRUITS);
        await queue.redis.rpush(k.list, "before");
        const pushed = Array.from({ length: count }, (_, index) => `by hand ${index}`);
        const edited = ["kiwi", ...FRUITS];
        const report = await seed(editing(edited, () => queue.redis.rpush(k.list, ...pushed)));
        assert.deepEqual(report, { total: 11 + count, added: 1, removed: 0, requeued: 0, kept: 0 });
        assert.deepEqual(await queue.list(), [...edited, "before", ...pushed]);
        await seed([]);
        assert.deepEqual(await queue.list(), ["before", ...pushed]);
      });
    }

    it("does not run a done item again that left the list and comes back, at the end or elsewhere", async () => {
      await seed(["a", "b", "c"]);
      await queue.give("done", 1);
      await queue.give("leased", 2);
      await seed(["c"]);
      assert.deepEqual(await seed(["c", "a", "b", "a"]), { total: 4, added: 1, removed: 0, requeued: 0, kept: 1 });
      assert.deepEqual(await queue.list(), ["c", "a"]);
    });

    it("keeps items that left the list if they are done or in flight, and drops the others", async () => {
      await seed(["done", "hand", "delayed", "suspect", "dead", "lost", "waits", "stays"]);
      for (const [index, fate] of (["done", "leased", "delayed", "suspect", "dead", "lost"] as const).entries()) {
        await queue.give(fate, index + 1);
      }
      assert.deepEqual(await seed(["stays"]), { total: 3, added: 0, removed: 5, requeued: 0, kept: 1 });
      assert.deepEqual(await queue.list(), ["stays"]);
      assert.deepEqual(await queue.redis.hkeys(k.results), ["1"]);
      assert.deepEqual(await queue.redis.hkeys(k.items), ["2"]);
      const { waiting, running, delayed, done, dead, total } = await queue.admin.counts();
      assert.deepEqual([waiting, running, delayed, done, dead, total], [1, 1, 0, 1, 0, 3]);
    });

    it("matches items that were taken before copy by copy, done copies first", async () => {
      await seed(["a", "a", "a", "b"]);
      await queue.give("delayed", 1);
      await queue.give("done", 2);
      // The source has two copies: one is matched with the done item, the other with the delayed one.
      assert.deepEqual(await seed(["b", "a", "a"]), { total: 3, added: 0, removed: 1, requeued: 0, kept: 1 });
      assert.deepEqual(await queue.list(), ["b"]);
      assert.deepEqual(await seed(["b", "a"]), { total: 2, added: 0, removed: 1, requeued: 0, kept: 1 });
      assert.deepEqual(await queue.redis.hkeys(k.items), []);
      assert.deepEqual(await seed(["a", "b", "a", "a"]), { total: 4, added: 2, removed: 0, requeued: 0, kept: 1 });
      assert.deepEqual(await queue.list(), ["b", "a", "a"]);
    });
  });
}

describe("Two seeders that edit at once", () => {
  const queue = SeederFixture.register("8", []);

  it("make one list", async () => {
    const items = Array.from({ length: 300_000 }, (_, index) => `item-${index}`);
    await queue.seed(items);
    const edited = ["new", ...items.filter((_, index) => index % 3 !== 0)];
    // The seeders interrupt each other until one of them gets through.
    await Promise.all([1, 2, 3].map(() => queue.seed(edited, { seedId: "x" }, 30_000)));
    assert.deepEqual(await queue.list(), edited);
    assert.equal(await queue.redis.exists(k.next), 0);
  });
});

describe("Seeder and an edit that comes to nothing", () => {
  const queue = SeederFixture.register();

  /**
   * A source that can be read once, and fails the second time, which is during the edit.
   */
  const failing = (items: string[]) => {
    let reads = 0;
    return {
      async *[Symbol.asyncIterator]() {
        const fails = ++reads === 2;
        yield* items.slice(0, -1);
        if (fails) throw new Error("disk on fire");
        yield* items.slice(-1);
      },
    };
  };

  for (const state of ["open", "finished", "aborted"] as const) {
    it(`leaves the batch as it was: ${state}`, async () => {
      await queue.seed(FRUITS);
      await queue.give("dead", 1);
      if (state === "aborted") await queue.admin.abort("enough");
      if (state === "finished") await queue.redis.hset(k.batch, { state, endedAt: 77 });
      const ignored = { seedId: "", requeue: "" };
      const before = { ...(await queue.redis.hgetall(k.batch)), ...ignored };
      const list = await queue.list();
      await assert.rejects(queue.seed(failing(["kiwi", ...FRUITS.slice(2), "plum"])), { message: "disk on fire" });
      assert.deepEqual({ ...(await queue.redis.hgetall(k.batch)), ...ignored }, before);
      assert.deepEqual(await queue.list(), list);
      assert.equal(await queue.redis.exists(k.next), 0);
      assert.equal(await queue.redis.zcard(k.dead), 1);
    });
  }

  it("keeps an abort that came meanwhile", async () => {
    await queue.seed(FRUITS);
    let reads = 0;
    const source = {
      async *[Symbol.asyncIterator]() {
        if (++reads === 2) await queue.admin.abort("enough");
        yield* FRUITS.toReversed();
      },
    };
    await assert.rejects(queue.seed(source), /^SeedRefusedError: The batch was aborted while it was seeded/);
    assert.deepEqual(await queue.redis.hmget(k.batch, "state", "reason"), ["aborted", "enough"]);
    assert.deepEqual(await queue.list(), FRUITS);
    assert.equal(await queue.redis.exists(k.next), 0);
  });
});

describe("Seeder and an edit in a Redis that has no room for two lists", () => {
  const queue = SeederFixture.register();
  const items = Array.from({ length: 60_000 }, (_, index) => `item-${index}-${"x".repeat(100)}`);

  it("empties the old list first, and reports the same counts", async () => {
    await queue.seed(items);
    await queue.redis.rpush(k.list, "by hand");
    const edited = ["new", ...items.filter((_, index) => index % 3 !== 0)];
    const report = await queue.withRoom(3_000_000, () => queue.seed(edited));
    assert.deepEqual(report, { total: 40_002, added: 1, removed: 20_000, requeued: 0, kept: 0 });
    assert.deepEqual(await queue.list(), [...edited, "by hand"]);
    assert.equal(await queue.redis.exists(k.next), 0);
  });

  it("says that Redis is full if that is not enough, and goes on when there is room", async () => {
    await queue.seed(items);
    await queue.redis.rpush(k.list, "by hand");
    const edited = [...items.toReversed(), ...items];
    const stream = {
      async *[Symbol.asyncIterator]() {
        yield* edited;
      },
    };
    await queue.withRoom(3_000_000, () => assert.rejects(queue.seed(stream), /^RedisFullError: Redis is full/));
    assert.equal((await queue.seed(edited)).total, 120_001);
    assert.deepEqual(await queue.list(), [...edited, "by hand"]);
  });
});
