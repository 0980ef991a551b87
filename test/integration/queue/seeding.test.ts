import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { QueueAdmin } from "../../../queue/admin/admin.ts";
import { keys, QUEUES } from "../../../queue/redis/keys.ts";
import { Seeder } from "../../../queue/seeder/seeder.ts";
import type { ItemSource, SeedOptions } from "../../../queue/types.ts";
import { startRedis } from "../../support/redis.ts";

const FRUITS = ["apple", "banana", "cherry", "date", "fig", "grape", "lemon", "melon", "orange"];
const k = keys("job2");

for (const version of ["8", "7.0"] as const) {
  describe(`the seeder, Redis ${version}`, () => {
    let server: Awaited<ReturnType<typeof startRedis>>;
    let redis: Redis;
    let admin: QueueAdmin;
    let jobs = 0;

    before(async function () {
      this.timeout(60_000);
      server = await startRedis({ version, args: ["--appendonly", "yes", "--appendfsync", "always"] });
      redis = new Redis(server.url);
      admin = new QueueAdmin(redis, "job2");
    });
    beforeEach(() => redis.flushall());
    after(async () => {
      redis.disconnect();
      await server.stop();
    });

    /** As a new seed Job would; a new attempt each time unless it is given. */
    const seed = (source: ItemSource, options: Partial<SeedOptions> = {}) =>
      new Seeder({ url: server.url, queue: "job2", awayMs: 2000 }).seed(source, {
        ...{ owner: "fruit/dev", run: "1", seedId: `job-${++jobs}` },
        ...options,
      });
    const list = () => redis.lrange(k.list, 0, "-1");
    const batch = (field: string) => redis.hget(k.batch, field);

    /** The head of the list as taken, and what became of it. */
    async function give(outcome: "done" | "dead" | "lost" | "delayed" | "suspect" | "leased", id: number) {
      const payload = (await redis.lpop(k.list))!;
      const take = `0 ${outcome === "lost" ? 1 : 0} 1000 s1\n\n${payload}`;
      await redis.hset(k.batch, "lastId", id, "lastLength", await redis.llen(k.list));
      const open = (end: string) => redis.hset(k.items, String(id), end + take);
      const settled = (end: string) => redis.hset(k.results, String(id), end + take);
      if (outcome === "done") await settled('d5 ="ok"\n');
      if (outcome === "dead") await settled('f5 "no"\n');
      if (outcome === "lost") await settled("l5000 4000\n");
      if (outcome === "dead" || outcome === "lost") await redis.zadd(k.dead, id, String(id));
      if (outcome === "delayed") await Promise.all([open('f5 "no"\n'), redis.zadd(k.delayed, 1e15, String(id))]);
      if (outcome === "suspect") await Promise.all([open("l5000 4000\n"), redis.zadd(k.suspects, 1e15, String(id))]);
      if (outcome === "leased") await Promise.all([open(""), redis.zadd(k.leases, 1e15, `${id}:s1.1`)]);
    }

    it("fills the list in order and opens the batch", async () => {
      assert.deepEqual(await seed(FRUITS), { total: 9, added: 9, removed: 0, requeued: 0, kept: 0 });
      assert.deepEqual(await list(), FRUITS);
      const { state, owner, total, waiting } = await admin.counts();
      assert.deepEqual({ state, owner, total, waiting }, { state: "open", owner: "fruit/dev", total: 9, waiting: 9 });
      assert.equal(await batch("seeded"), "1");
    });

    it("waits until what it wrote is on disk, where Redis can say so", async () => {
      await redis.config("RESETSTAT");
      await seed(FRUITS);
      const said = (await redis.info("commandstats")).includes("cmdstat_waitaof:calls=1,");
      assert.equal(said, version === "8");
    });

    it("opens an empty batch for no items at all", async () => {
      assert.deepEqual(await seed([]), { total: 0, added: 0, removed: 0, requeued: 0, kept: 0 });
      assert.deepEqual([await batch("state"), await batch("seeded"), await batch("total")], ["open", "1", "0"]);
      assert.equal((await seed(["apple"])).added, 1);
      assert.deepEqual(await list(), ["apple"]);
    });

    it("the same list again changes nothing", async () => {
      await seed(FRUITS);
      const before = { ...(await redis.hgetall(k.batch)), seedId: "" };
      assert.deepEqual(await seed(FRUITS), { total: 9, added: 0, removed: 0, requeued: 0, kept: 0 });
      assert.deepEqual({ ...(await redis.hgetall(k.batch)), seedId: "" }, before);
      assert.deepEqual(await list(), FRUITS);
    });

    it("a finished batch with the same list stays finished", async () => {
      await seed(["apple"]);
      await give("done", 1);
      await redis.hset(k.batch, "state", "finished", "endedAt", 77);
      assert.deepEqual(await seed(["apple"]), { total: 1, added: 0, removed: 0, requeued: 0, kept: 1 });
      assert.deepEqual([await batch("state"), await batch("endedAt")], ["finished", "77"]);
    });

    it("a list grown at its end is appended to while takes go on, and `finished` is not said", async () => {
      await seed(FRUITS);
      await redis.hset(k.batch, "state", "finished", "endedAt", 77);
      let seen: (string | null)[] = [];
      const more = Array.from({ length: 12_000 }, (_, index) => `more-${index}`);
      const source = {
        async *[Symbol.asyncIterator]() {
          yield* [...FRUITS, ...more.slice(0, 11_000)];
          seen = await redis.hmget(k.batch, "state", "seeded", "endedAt");
          yield* more.slice(11_000);
        },
      };
      const report = await seed(source);
      assert.equal(report.added, 12_000);
      assert.deepEqual(seen, ["open", "0", "0"]);
      assert.deepEqual(await list(), [...FRUITS, ...more]);
      assert.deepEqual([await batch("state"), await batch("seeded")], ["open", "1"]);
    });

    it("an edited list stops takes, keeps what stays in its order, drops and adds the rest", async () => {
      await seed(FRUITS);
      let reads = 0;
      let state: string | null = null;
      const edited = ["kiwi", ...FRUITS.filter((fruit) => fruit !== "date"), "apple"];
      const source = {
        async *[Symbol.asyncIterator]() {
          if (++reads === 3) state = await batch("state");
          yield* edited;
        },
      };
      assert.deepEqual(await seed(source), { total: 10, added: 2, removed: 1, requeued: 0, kept: 0 });
      assert.equal(state, "seeding");
      assert.deepEqual(await list(), [...FRUITS.filter((fruit) => fruit !== "date"), "kiwi", "apple"]);
      assert.equal(await batch("state"), "open");
      assert.deepEqual(await seed(edited), { total: 10, added: 0, removed: 0, requeued: 0, kept: 0 });
    });

    it("duplicates are distinct, an empty string is an item, bytes stay bytes", async () => {
      const bytes = Buffer.from([0, 255, 10, 13, 10, 254]);
      const items = ["a", "a", "", "ü€😀", bytes, "x".repeat(31), "x".repeat(32), "y".repeat(300), "", "\r\n"];
      assert.equal((await seed(items)).added, 10);
      const there = await redis.lrangeBuffer(k.list, 0, -1);
      assert.deepEqual(
        there,
        items.map((item) => Buffer.from(item)),
      );
      assert.equal((await seed(items)).added, 0);
      // Text and the bytes of that text are the same item.
      assert.equal((await seed(items.map((item) => Buffer.from(item)))).added, 0);
      assert.deepEqual(await seed(items.slice(1)), { total: 9, added: 0, removed: 1, requeued: 0, kept: 0 });
    });

    it("takes items up to 1 MiB, and refuses a longer one by its number", async () => {
      const long = [
        "a".repeat(1024 * 1024),
        Buffer.alloc(70_000, 7),
        "é".repeat(512 * 1024),
        Buffer.alloc(1024 * 1024, 255),
      ];
      await seed(["x", ...long, "y"]);
      const there = await redis.lrangeBuffer(k.list, 0, -1);
      assert.equal(there.length, 6);
      for (const [index, item] of ["x", ...long, "y"].entries())
        assert.equal(there[index]!.equals(Buffer.from(item)), true);
      await assert.rejects(seed(["x", "é".repeat(512 * 1024) + "a"]), {
        message:
          "Item 2 has 1048577 bytes, more than 1048576 (1 MiB): put it into a file or bucket and its name into the list.",
      });
    });

    it("brings a list of large items in line", async () => {
      const items = Array.from({ length: 30 }, (_, index) => `${index}`.padEnd(1000 * 1000, "x"));
      await seed(items);
      const edited = items.filter((_, index) => index % 7 !== 2);
      assert.deepEqual(await seed(edited), { total: 26, added: 0, removed: 4, requeued: 0, kept: 0 });
      assert.deepEqual(
        (await list()).map((item) => parseInt(item)),
        edited.map((item) => parseInt(item)),
      );
    });

    it("refuses what is no item, and items that can be read only once, before anything is made", async () => {
      const number = [7] as unknown as string[];
      await assert.rejects(seed(number), { message: "Item 1 is neither a string nor a Buffer, but number." });
      await redis.flushall();
      const once = (function* () {
        yield "apple";
      })();
      await assert.rejects(seed(once), {
        message:
          "The items can be read only once (a generator or iterator): give an object whose iterator starts anew each time.",
      });
      assert.equal(await redis.dbsize(), 0);
    });

    it("passes on what the source throws, and resumes with the next run", async () => {
      let broken = true;
      const source = {
        *[Symbol.iterator]() {
          for (let number = 0; number < 20_000; number++) {
            if (broken && number === 12_345) throw new Error("disk on fire");
            yield `item-${number}`;
          }
        },
      };
      await assert.rejects(seed(source), { message: "disk on fire" });
      assert.equal(await batch("state"), "seeding");
      broken = false;
      await seed(source);
      assert.deepEqual(await list(), [...source]);
    });

    it("refuses another owner's batch by name, and changes nothing", async () => {
      await seed(FRUITS);
      await assert.rejects(seed(["apple"], { owner: "veg/prod", run: "2" }), {
        message:
          "The queue job2 belongs to fruit/dev, and this is veg/prod: set another `queue`, or destroy that stack first.",
      });
      assert.deepEqual(await list(), FRUITS);
      assert.equal(await batch("run"), "1");
    });

    it("refuses a batch of another version", async () => {
      await redis.hset(k.batch, "schema", "2", "state", "open");
      await assert.rejects(seed(FRUITS), {
        message: "The queue job2 was made by another version of this program (schema 2): empty it first.",
      });
    });

    it("adopts a list filled by hand, and never removes from it", async () => {
      await redis.rpush(k.list, "apple", "by hand");
      assert.deepEqual(await seed(["apple", "fig"]), { total: 4, added: 2, removed: 0, requeued: 0, kept: 0 });
      assert.deepEqual(await list(), ["apple", "by hand", "apple", "fig"]);
      await redis.rpush(k.list, "later");
      assert.deepEqual(await seed(["fig", "plum"]), { total: 5, added: 1, removed: 1, requeued: 0, kept: 0 });
      assert.deepEqual(await list(), ["apple", "by hand", "fig", "later", "plum"]);
      assert.deepEqual(await seed([]), { total: 3, added: 0, removed: 2, requeued: 0, kept: 0 });
      assert.deepEqual(await list(), ["apple", "by hand", "later"]);
    });

    it("adopts a batch that workers began on a list filled by hand", async () => {
      await redis.rpush(k.list, "by hand", "waits");
      await redis.hset(k.batch, { schema: 1, owner: "", epoch: 1, state: "open", seeded: 1, total: 2, seen: 2 });
      await give("done", 1);
      assert.deepEqual(await seed(["waits", "fig"]), { total: 4, added: 2, removed: 0, requeued: 0, kept: 1 });
      assert.deepEqual(await list(), ["waits", "waits", "fig"]);
      assert.deepEqual(await redis.hmget(k.batch, "owner", "run", "epoch"), ["fruit/dev", "1", "1"]);
      await seed([]);
      assert.deepEqual(await list(), ["waits"]);
    });

    it("what is done and left the list does not run again when it comes back, at the end or elsewhere", async () => {
      await seed(["a", "b", "c"]);
      await give("done", 1);
      await give("leased", 2);
      await seed(["c"]);
      assert.deepEqual(await seed(["c", "a", "b", "a"]), { total: 4, added: 1, removed: 0, requeued: 0, kept: 1 });
      assert.deepEqual(await list(), ["c", "a"]);
    });

    it("done stays done, what is in hand is left alone, the rest goes when it is gone from the list", async () => {
      await seed(["done", "hand", "delayed", "suspect", "dead", "lost", "waits", "stays"]);
      for (const [index, outcome] of (["done", "leased", "delayed", "suspect", "dead", "lost"] as const).entries()) {
        await give(outcome, index + 1);
      }
      assert.deepEqual(await seed(["stays"]), { total: 3, added: 0, removed: 5, requeued: 0, kept: 1 });
      assert.deepEqual(await list(), ["stays"]);
      assert.deepEqual(await redis.hkeys(k.results), ["1"]);
      assert.deepEqual(await redis.hkeys(k.items), ["2"]);
      const { waiting, running, delayed, done, dead, total } = await admin.counts();
      assert.deepEqual([waiting, running, delayed, done, dead, total], [1, 1, 0, 1, 0, 3]);
    });

    it("what was taken before is not added again, copy by copy, the done copies first", async () => {
      await seed(["a", "a", "a", "b"]);
      await give("delayed", 1);
      await give("done", 2);
      // Two copies wanted: the done one and one more; the third goes from the end.
      assert.deepEqual(await seed(["b", "a", "a"]), { total: 3, added: 0, removed: 1, requeued: 0, kept: 1 });
      assert.deepEqual(await list(), ["b"]);
      assert.deepEqual(await seed(["b", "a"]), { total: 2, added: 0, removed: 1, requeued: 0, kept: 1 });
      assert.deepEqual(await redis.hkeys(k.items), []);
      assert.deepEqual(await seed(["a", "b", "a", "a"]), { total: 4, added: 2, removed: 0, requeued: 0, kept: 1 });
    });

    it("the dead are put back once for each attempt", async () => {
      await seed(["a", "b", "c"]);
      await give("dead", 1);
      await give("lost", 2);
      await redis.hset(k.batch, "state", "finished", "endedAt", 77);
      assert.equal((await seed(["a", "b", "c"], { seedId: "again" })).requeued, 2);
      assert.deepEqual(await redis.zrange(k.delayed, 0, "-1"), ["1"]);
      assert.deepEqual(await redis.zrange(k.suspects, 0, "-1"), ["2"]);
      assert.equal(await redis.hget(k.items, "1"), 'q\nf5 "no"\n0 0 1000 s1\n\na');
      assert.deepEqual([await batch("state"), await batch("endedAt")], ["open", "0"]);
      // It dies again; the same Job's pod is started once more.
      await redis.multi().zrem(k.delayed, "1").hdel(k.items, "1").hset(k.results, "1", 'f5 "no"\n0 0 1 s\n\na').exec();
      await redis.zadd(k.dead, Date.now() + 60_000, "1");
      assert.equal((await seed(["a", "b", "c"], { seedId: "again" })).requeued, 0);
      assert.equal((await admin.counts()).dead, 1);
    });

    it("those that die while the dead are put back wait for the next attempt", async () => {
      await seed(["a"]);
      await give("dead", 1);
      // As after a seeder that was killed in between: what had died by then is put back, not what died since.
      await redis.hset(k.batch, "requeue", "again 500");
      await redis.zadd(k.dead, 501, "1");
      assert.equal((await seed(["a"], { seedId: "again" })).requeued, 0);
      assert.equal((await seed(["a"], { seedId: "and again" })).requeued, 1);
    });

    it("a new run makes everything run again", async () => {
      await seed(FRUITS);
      for (let id = 1; id <= 4; id++) await give(id % 2 ? "done" : "dead", id);
      await redis.hset(k.batch, "paused", "1");
      assert.deepEqual(await seed(FRUITS, { run: "2" }), { total: 9, added: 9, removed: 0, requeued: 0, kept: 0 });
      assert.deepEqual(await list(), FRUITS);
      assert.deepEqual((await redis.keys("*")).sort(), [k.list, k.batch, QUEUES].sort());
      assert.deepEqual(await redis.hmget(k.batch, "epoch", "owner", "paused"), ["2", "fruit/dev", "1"]);
      assert.equal((await admin.counts()).state, "paused");
    });

    it("reopens an aborted batch", async () => {
      await seed(FRUITS);
      await admin.abort("too many failures");
      await seed(FRUITS);
      assert.deepEqual(await redis.hmget(k.batch, "state", "reason", "endedAt"), ["open", null, "0"]);
    });

    it("stops when the batch is aborted meanwhile", async () => {
      const source = {
        async *[Symbol.asyncIterator]() {
          for (let number = 0; number < 30_000; number++) {
            if (number === 15_000) await admin.abort("enough");
            yield `item-${number}`;
          }
        },
      };
      await assert.rejects(seed(source), {
        message: "The batch was aborted while it was seeded: see `npx wq status` for the reason.",
      });
      assert.equal((await admin.counts()).reason, "enough");
    });

    it("says that Redis is full, and goes on where it was when there is room", async () => {
      const items = Array.from({ length: 60_000 }, (_, index) => `item-${index}-${"x".repeat(100)}`);
      const used = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))![1]);
      await redis.config("SET", "maxmemory", String(used + 3_000_000));
      try {
        await assert.rejects(seed(items), {
          message: "Redis is full: raise `redisMemory` (its maxmemory), then run again; what is in stays in.",
        });
        const offset = Number(await batch("offset"));
        assert.equal(offset > 0 && offset < 60_000, true);
        await redis.config("SET", "maxmemory", "0");
        assert.equal((await seed(items)).added, 60_000 - offset);
        assert.deepEqual(await list(), items);
      } finally {
        await redis.config("SET", "maxmemory", "0");
      }
    });

    it("gives up with one line when Redis stays away", async () => {
      const seeder = new Seeder({ url: "redis://127.0.0.1:1", queue: "job2", awayMs: 300 });
      await assert.rejects(seeder.seed(FRUITS, { owner: "a/b", run: "1", seedId: "1" }), {
        message:
          "The queue job2 could not be seeded, no step forward for 0 s: No connection to Redis at 127.0.0.1:1: " +
          "connect ECONNREFUSED 127.0.0.1:1; check that it runs and can be reached from here.",
      });
    });

    it("two seeders at once make one list", async () => {
      const items = Array.from({ length: 200_000 }, (_, index) => `item-${index}`);
      await Promise.all([seed(items, { seedId: "x" }), seed(items, { seedId: "x" })]);
      assert.equal(await redis.llen(k.list), 200_000);
      assert.deepEqual(await list(), items);
    });
  });
}
