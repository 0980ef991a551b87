import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { keys } from "../../../../queue/redis/keys.ts";
import { Seeder } from "../../../../queue/seeder/seeder.ts";
import { lossyProxy } from "../../../support/lossyProxy.ts";
import { startRedis, type TestRedis } from "../../../support/redis.ts";
import { VERSIONS } from "../../../support/seederFixture.ts";

const CHILD = join(import.meta.dirname, "../../../support/seedChild.ts");
const AOF = ["--appendonly", "yes", "--appendfsync", "everysec"];
const { list, batch, next } = keys("job2");
const owner = { owner: "p/s", run: "1", seedId: "1" };

const name = (number: number) => `item-${String(number).padStart(8, "0")}`;
const items = (count: number) => ({
  *[Symbol.iterator]() {
    for (let number = 1; number <= count; number++) yield name(number);
  },
});
const random = (below: number) => Math.floor(Math.random() * below);

/** Checks that no item is repeated or skipped, and that they are in their order. */
async function assertSeeded(redis: Redis, count: number): Promise<void> {
  const fields = await redis.hmget(batch, "state", "seeded", "total", "lastLength", "offset");
  assert.deepEqual(fields, ["open", "1", ...Array(3).fill(String(count))]);
  let number = 0;
  for (let first = 0; first < count; first += 10_000) {
    for (const item of await redis.lrange(list, first, String(first + 9_999))) {
      if (item !== name(++number)) assert.fail(`place ${number} has ${item}`);
    }
  }
  assert.equal(number, count);
  assert.equal(await redis.llen(list), count);
}

const children: ReturnType<typeof spawn>[] = [];
async function child(url: string, ...args: string[]): Promise<{ code: number | null; signal: string | null }> {
  const process_ = spawn(process.execPath, [CHILD, url, ...args], { stdio: ["ignore", "ignore", "inherit"] });
  children.push(process_);
  const [code, signal] = (await once(process_, "close")) as [number | null, string | null];
  return { code, signal };
}

/** Kills Redis with SIGKILL, and cuts the end of its log off, as if it had never got to the disk. */
async function crash(server: TestRedis, lostBytes: number): Promise<void> {
  await server.kill();
  const folder = join(server.dir, "appendonlydir");
  const file = join(
    folder,
    readdirSync(folder).find((file) => file.endsWith(".incr.aof"))!,
  );
  truncateSync(file, Math.max(0, statSync(file).size - lostBytes));
  await server.restart();
}

for (const version of VERSIONS) {
  describe(`Seeder under faults, Redis ${version}`, () => {
    let server: TestRedis;
    let redis: Redis;
    let proxy: Awaited<ReturnType<typeof lossyProxy>>;

    beforeEach(async () => {
      server = await startRedis({ version, args: AOF });
      redis = new Redis(server.url);
      redis.on("error", () => {});
      proxy = await lossyProxy(server.port);
    });
    afterEach(async () => {
      for (const one of children.splice(0)) one.kill("SIGKILL");
      await proxy.close();
      redis.disconnect();
      await server.stop();
    });

    /** Cuts the connection, each time after random bytes. @returns A function that tells the number of cuts. */
    const cutting = (times: number, first: number, range: number) => {
      let cuts = 0;
      const plan = () => {
        if (cuts === times) return;
        const then = () => (cuts++, setImmediate(plan));
        proxy.plan({ after: first + random(range), lose: cuts % 2 ? "reply" : "request", then });
      };
      plan();
      return () => cuts;
    };

    it("repeats and skips none of 1,000,000 items when it is killed at 24 random points", async () => {
      let kills = 0;
      for (let round = 0; round < 24; round++) {
        // 40,000 items are some 750 kB: every kill leaves the next one something to do.
        const then = () => children.at(-1)!.kill("SIGKILL");
        proxy.plan({ after: 2000 + random(700_000), lose: round % 2 ? "reply" : "request", then });
        const { signal } = await child(proxy.url, "1000000");
        if (signal === "SIGKILL") kills++;
      }
      assert.equal(kills, 24, "every kill met a running seeder");
      assert.equal(await redis.hget(batch, "seeded"), "0", "the last kill came before the end");
      const { code } = await child(proxy.url, "1000000");
      assert.equal(code, 0);
      await assertSeeded(redis, 1_000_000);
    });

    it("goes on by itself when its connection is cut at 40 random points", async () => {
      // 19 MB: what is in flight may arrive with each cut, up to a megabyte.
      const count = 1_000_000;
      const cuts = cutting(40, 1000, 100_000);
      const report = await new Seeder({ url: proxy.url, queue: "job2" }).seed(items(count), owner);
      assert.equal(cuts() > 15, true, `it was cut ${cuts()} times`);
      assert.deepEqual(report, { total: count, added: count, removed: 0, requeued: 0, kept: 0 });
      await assertSeeded(redis, count);
    });

    it("makes the right list if it is cut off 20 times during an edit while others push", async () => {
      await new Seeder({ url: server.url, queue: "job2" }).seed(items(60_000), owner);
      const edited = [...items(80_000)].filter((_, index) => index % 3 !== 1).reverse();
      // After the bytes of connecting and loading scripts. The whole edit is 1.1 MB.
      const cuts = cutting(20, 10_000, 1_000_000);
      const hand = setInterval(() => void redis.rpush(list, "by hand"), 20);
      await new Seeder({ url: proxy.url, queue: "job2" }).seed(edited, owner).finally(() => clearInterval(hand));
      assert.equal(cuts() >= 10, true, `it was cut ${cuts()} times`);
      const there = await redis.lrange(list, 0, "-1");
      assert.deepEqual(there.slice(0, edited.length), edited);
      assert.deepEqual([...new Set(there.slice(edited.length))], ["by hand"]);
      assert.equal(await redis.exists(next), 0);
      await new Seeder({ url: server.url, queue: "job2" }).seed([], owner);
      assert.deepEqual([...new Set(await redis.lrange(list, 0, "-1"))], ["by hand"]);
      assert.equal(await redis.llen(list), there.length - edited.length, "what others pushed is all that is left");
    });

    it("resumes from the lower offset if Redis is killed and lost the end of its log", async () => {
      let losses = 0;
      let lost = 0;
      let highest = 0;
      const crashes: Promise<void>[] = [];
      let nextCrash = 40_000;
      const onProgress = (seeded: number) => {
        lost += Math.max(0, highest - seeded);
        highest = seeded;
        if (seeded < nextCrash) return;
        nextCrash = seeded + 60_000 + random(40_000);
        // More bytes than may be in flight, so that confirmed items are lost, too.
        crashes.push(crash(server, 1_300_000 + random(1_000_000)).then(() => void losses++));
      };
      const report = await new Seeder({ url: server.url, queue: "job2" }).seed(items(500_000), {
        ...owner,
        onProgress,
      });
      await Promise.all(crashes);
      assert.equal(losses >= 3, true, `Redis was killed ${losses} times`);
      assert.equal(lost > 0, true, "and lost something");
      assert.equal(report.added, 500_000);
      await assertSeeded(redis, 500_000);
    });

    it("makes the right list if Redis is killed during an edit and lost the end of its log", async () => {
      await new Seeder({ url: server.url, queue: "job2" }).seed(items(100_000), owner);
      // The list is in a base file before the edit begins. So a cut loses a part of the edit, or all of it.
      await redis.bgrewriteaof();
      while (/aof_rewrite_(in_progress|scheduled):1/.test(await redis.info("persistence"))) await redis.ping();
      const edited = [...items(120_000)].filter((_, index) => index % 3 !== 1);
      let reads = 0;
      let crashes = 0;
      const source = {
        async *[Symbol.asyncIterator]() {
          // The first read finds the edit. Later reads are cut in the middle of it.
          const half = ++reads > 1 && crashes < 4 ? 50_000 : Infinity;
          for (const [index, item] of edited.entries()) {
            if (index === half) await crash(server, [0, 100_000, 300_000, 5_000_000][crashes++]!);
            yield item;
          }
        },
      };
      await new Seeder({ url: server.url, queue: "job2" }).seed(source, owner);
      assert.equal(crashes, 4);
      assert.deepEqual(await redis.lrange(list, 0, "-1"), edited);
      assert.deepEqual(await redis.hmget(batch, "state", "total", "lastLength", "offset"), [
        "open",
        ...Array(3).fill("80000"),
      ]);
      assert.equal(await redis.exists(next), 0);
    });
  });
}
