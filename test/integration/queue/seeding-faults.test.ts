import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { keys } from "../../../queue/redis/keys.ts";
import { Seeder } from "../../../queue/seeder/seeder.ts";
import { lossyProxy } from "../../support/lossyProxy.ts";
import { startRedis } from "../../support/redis.ts";

const CHILD = join(import.meta.dirname, "../../support/seedChild.ts");
const AOF = ["--appendonly", "yes", "--appendfsync", "everysec"];
const { batch } = keys("job2");

const name = (number: number) => `item-${String(number).padStart(8, "0")}`;
const items = (count: number) => ({
  *[Symbol.iterator]() {
    for (let number = 1; number <= count; number++) yield name(number);
  },
});

/** None repeated, none skipped, in their order. */
async function assertSeeded(redis: Redis, count: number): Promise<void> {
  const fields = await redis.hmget(batch, "state", "seeded", "total", "lastLength", "offset");
  assert.deepEqual(fields, ["open", "1", ...Array(3).fill(String(count))]);
  let number = 0;
  for (let first = 0; first < count; first += 10_000) {
    for (const item of await redis.lrange("job2", first, String(first + 9_999))) {
      if (item !== name(++number)) assert.fail(`place ${number} has ${item}`);
    }
  }
  assert.equal(number, count);
  assert.equal(await redis.llen("job2"), count);
}

async function child(
  url: string,
  ...args: string[]
): Promise<{ code: number | null; signal: string | null; out: string }> {
  const process_ = spawn(process.execPath, [CHILD, url, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  children.push(process_);
  let out = "";
  process_.stdout.on("data", (data) => (out += data));
  const [code, signal] = (await once(process_, "close")) as [number | null, string | null];
  return { code, signal, out };
}
const children: ReturnType<typeof spawn>[] = [];

for (const version of ["8", "7.0"] as const) {
  describe(`seeding under faults, Redis ${version}`, function () {
    this.timeout(120_000);
    let server: Awaited<ReturnType<typeof startRedis>>;
    let redis: Redis;

    beforeEach(async () => {
      server = await startRedis({ version, args: AOF });
      redis = new Redis(server.url);
      redis.on("error", () => {});
    });
    afterEach(async () => {
      for (const one of children.splice(0)) one.kill("SIGKILL");
      redis.disconnect();
      await server.stop();
    });

    it("killed at 24 random points, also between the write and its reply: 1,000,000 items, none repeated, none skipped", async () => {
      const proxy = await lossyProxy(server.port);
      let kills = 0;
      for (let round = 0; round < 24; round++) {
        // 40,000 items are some 450 kB: every kill leaves the next one something to do.
        const after = 2000 + Math.floor(Math.random() * 450_000);
        proxy.plan({ after, lose: round % 2 ? "reply" : "request", then: () => children.at(-1)!.kill("SIGKILL") });
        const { signal } = await child(proxy.url, "1000000");
        if (signal === "SIGKILL") kills++;
      }
      assert.equal(kills, 24, "every kill met a running seeder");
      assert.equal(await redis.hget(batch, "seeded"), "0", "the last kill came before the end");
      const { code } = await child(proxy.url, "1000000");
      assert.equal(code, 0);
      await assertSeeded(redis, 1_000_000);
      await proxy.close();
    });

    it("cut off at 40 random points of its connection, it goes on by itself", async () => {
      const proxy = await lossyProxy(server.port);
      let cuts = 0;
      const cut = () => {
        if (cuts === 40) return;
        const plan = {
          after: 1000 + Math.floor(Math.random() * 120_000),
          lose: cuts % 2 ? "reply" : "request",
        } as const;
        proxy.plan({ ...plan, then: () => (cuts++, setImmediate(cut)) });
      };
      cut();
      const report = await new Seeder({ url: proxy.url, queue: "job2" }).seed(items(300_000), {
        ...{ owner: "p/s", run: "1", seedId: "1" },
      });
      assert.equal(cuts > 20, true, `it was cut ${cuts} times`);
      assert.deepEqual(report, { total: 300_000, added: 300_000, removed: 0, requeued: 0, kept: 0 });
      await assertSeeded(redis, 300_000);
      await proxy.close();
    });

    it("cut off while it brings an edited list in line, 20 times: none repeated, none skipped, in their order", async () => {
      const owner = { owner: "p/s", run: "1", seedId: "1" };
      await new Seeder({ url: server.url, queue: "job2" }).seed(items(60_000), owner);
      const edited = [...items(80_000)].filter((_, index) => index % 3 !== 1);
      const proxy = await lossyProxy(server.port);
      let cuts = 0;
      const cut = () => {
        if (cuts === 20) return;
        // Past the connecting and the loading of scripts, some 10 kB.
        const plan = {
          after: 10_000 + Math.floor(Math.random() * 80_000),
          lose: cuts % 2 ? "reply" : "request",
        } as const;
        proxy.plan({ ...plan, then: () => (cuts++, setImmediate(cut)) });
      };
      cut();
      const hand = setInterval(() => void redis.rpush("job2", "by hand"), 100);
      await new Seeder({ url: proxy.url, queue: "job2" }).seed(edited, owner).finally(() => clearInterval(hand));
      assert.equal(cuts >= 10, true, `it was cut ${cuts} times`);
      const list = await redis.lrange("job2", 0, "-1");
      assert.deepEqual(
        list.filter((item) => item !== "by hand"),
        edited,
      );
      const [total, pushed] = (await redis.hmget(batch, "total", "externalRanges")) as [string, string];
      assert.equal(Number(total) <= list.length, true);
      assert.equal(pushed.length > 0, true);
      await new Seeder({ url: server.url, queue: "job2" }).seed([], owner);
      assert.equal(new Set(await redis.lrange("job2", 0, "-1")).size, 1, "what was pushed by hand is all that is left");
      await proxy.close();
    });

    it("resumes from the lower offset when Redis is killed and lost its AOF's tail", async () => {
      let losses = 0;
      let lost = 0;
      let highest = 0;
      const breaking: Promise<void>[] = [];
      const crash = async () => {
        await server.kill();
        const folder = join(server.dir, "appendonlydir");
        const file = join(
          folder,
          readdirSync(folder).find((name) => name.endsWith(".incr.aof"))!,
        );
        const { size } = statSync(file);
        // More than what may be under way, so that something already confirmed goes with it.
        truncateSync(file, Math.max(0, size - 700_000 - Math.floor(Math.random() * 1_000_000)));
        await server.restart();
        losses++;
      };
      let next = 40_000;
      const report = await new Seeder({ url: server.url, queue: "job2" }).seed(items(500_000), {
        ...{ owner: "p/s", run: "1", seedId: "1" },
        onProgress: (seeded) => {
          lost += Math.max(0, highest - seeded);
          highest = seeded;
          if (seeded < next) return;
          next = seeded + 60_000 + Math.floor(Math.random() * 40_000);
          breaking.push(crash());
        },
      });
      await Promise.all(breaking);
      assert.equal(losses >= 3, true, `Redis was killed ${losses} times`);
      assert.equal(lost > 0, true, "and lost something");
      assert.equal(report.added, 500_000);
      await assertSeeded(redis, 500_000);
    });
  });
}

describe("the seeder's memory", function () {
  this.timeout(120_000);

  it("at 10,000,000 items is at most 1.2 times that at 100,000", async () => {
    const server = await startRedis();
    const redis = new Redis(server.url);
    try {
      for (const kind of [[], ["stream"]]) {
        await redis.flushall();
        const { out: small } = await child(server.url, "100000", ...kind);
        await redis.flushall();
        const { out: large } = await child(server.url, "10000000", ...kind);
        assert.equal(await redis.llen("job2"), 10_000_000);
        const [few, many] = [Number(small), Number(large)];
        assert.equal(many <= few * 1.2, true, `${many} MiB at 10,000,000, ${few} MiB at 100,000`);
      }
    } finally {
      redis.disconnect();
      await server.stop();
    }
  });
});
