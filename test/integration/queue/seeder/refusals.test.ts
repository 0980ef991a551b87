import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { keys } from "../../../../queue/redis/keys.ts";
import { Seeder } from "../../../../queue/seeder/seeder.ts";
import { FRUITS, SeederFixture } from "../../../support/seederFixture.ts";

const k = keys("job2");

describe("What the Seeder refuses", () => {
  const queue = SeederFixture.register();

  it("refuses values that are no items, and a source that can be read only once, before anything is made", async () => {
    const number = [7] as unknown as string[];
    await assert.rejects(queue.seed(number), { message: "Item 1 is neither a string nor a Buffer, but number." });
    await queue.redis.flushall();
    const once = (function* () {
      yield "apple";
    })();
    await assert.rejects(queue.seed(once), {
      message:
        "The items can be read only once (a generator or iterator): give an object whose iterator starts anew each time.",
    });
    assert.equal(await queue.redis.dbsize(), 0);
  });

  it("refuses another owner's batch by name, and changes nothing", async () => {
    await queue.seed(FRUITS);
    await assert.rejects(queue.seed(["apple"], { owner: "veg/prod", run: "2" }), {
      message:
        "The queue job2 belongs to fruit/dev, and this is veg/prod: set another `queue`, or destroy that stack first.",
    });
    assert.deepEqual(await queue.list(), FRUITS);
    assert.equal(await queue.batch("run"), "1");
  });

  it("refuses a batch of another version", async () => {
    await queue.redis.hset(k.batch, "schema", "2", "state", "open");
    await assert.rejects(queue.seed(FRUITS), {
      message: "The queue job2 was made by another version of this program (schema 2): empty it first.",
    });
  });

  it("stops when the batch is aborted meanwhile", async () => {
    const source = {
      async *[Symbol.asyncIterator]() {
        for (let number = 0; number < 60_000; number++) {
          if (number === 30_000) await queue.admin.abort("enough");
          yield `item-${number}`;
        }
      },
    };
    await assert.rejects(queue.seed(source), {
      message: "The batch was aborted while it was seeded: see `npx --no wq status` for the reason.",
    });
    assert.equal((await queue.admin.counts()).reason, "enough");
    assert.equal(await queue.batch("total"), String(await queue.redis.llen(k.list)));
  });

  it("names a key that belongs to another program", async () => {
    await queue.redis.set(k.list, "a cache of somebody's");
    await assert.rejects(queue.seed(FRUITS), {
      message:
        "Redis refused to seed the queue job2: WRONGTYPE Operation against a key holding the wrong kind of value; " +
        "another program uses a key named `job2` or `{job2}:…`; set another `queue`.",
    });
    assert.equal(await queue.redis.get(k.list), "a cache of somebody's");
  });

  it("says what a user of Redis lacks", async () => {
    await queue.redis.call("ACL", "SETUSER", "seeder", "on", ">secret", "~*", "+@all", "-rpush");
    const url = queue.server.url.replace("//", "//seeder:secret@");
    const seeder = new Seeder({ url, queue: "job2", maxDowntimeMs: 2000 });
    await assert.rejects(seeder.seed(FRUITS, { owner: "a/b", run: "1", seedId: "1" }), {
      message:
        /^Redis refused to seed the queue job2: NOPERM [^\n]*rpush[^\n]*; the user needs all commands on the keys `job2`, `\{job2\}:\*` and `wq:queues`\.$/,
    });
    assert.equal(await queue.redis.llen(k.list), 0);
  });

  it("accepts a Redis that cannot confirm its disk, and warns of that once", async () => {
    await queue.redis.call("ACL", "SETUSER", "seeder", "on", ">secret", "~*", "+@all", "-waitaof");
    const url = queue.server.url.replace("//", "//seeder:secret@");
    const warnings: string[] = [];
    const options = { owner: "a/b", run: "1", seedId: "1", onWarning: (line: string) => warnings.push(line) };
    assert.equal((await new Seeder({ url, queue: "job2" }).seed(FRUITS, options)).added, 9);
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0]!,
      /^Redis does not say when the items are on its disk \(NOPERM [^\n]*waitaof[^\n]*\): if its host fails, the last second may be lost\.$/,
    );
    await queue.seed(FRUITS, { owner: "a/b", onWarning: (line) => warnings.push(line) });
    assert.equal(warnings.length, 1, "none where it does");
  });

  it("says that the password is wrong", async () => {
    await queue.redis.config("SET", "requirepass", "right");
    const url = queue.server.url.replace("//", "//:wrong@");
    const seeder = new Seeder({ url, queue: "job2", maxDowntimeMs: 2000 });
    try {
      await assert.rejects(seeder.seed(FRUITS, { owner: "a/b", run: "1", seedId: "1" }), {
        message: /^No connection to Redis at 127\.0\.0\.1:\d+: WRONGPASS [^\n]*; check the password\.$/,
      });
    } finally {
      await queue.redis.config("SET", "requirepass", "");
    }
  });

  it("waits for its turn at a Redis that has reached `maxclients`", async () => {
    await queue.redis.config("SET", "maxclients", "1");
    const seeded = queue.seed(FRUITS);
    setTimeout(() => void queue.redis.config("SET", "maxclients", "100"), 300);
    assert.equal((await seeded).added, 9);
  });

  it("goes on if Redis forgot its scripts", async () => {
    const other = new Redis(queue.server.url);
    let flushed = false;
    const items = Array.from({ length: 60_000 }, (_, index) => `item-${index}`);
    const source = {
      async *[Symbol.asyncIterator]() {
        yield* items.slice(0, 30_000);
        if (!flushed) await other.script("FLUSH");
        flushed = true;
        yield* items.slice(30_000);
      },
    };
    await queue.seed(source);
    assert.deepEqual(await queue.list(), items);
    other.disconnect();
  });
});
