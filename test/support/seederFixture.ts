import { Redis } from "ioredis";
import { QueueAdmin } from "../../queue/admin/admin.ts";
import { keys } from "../../queue/redis/keys.ts";
import { Seeder } from "../../queue/seeder/seeder.ts";
import type { ItemSource, SeedOptions, SeedReport } from "../../queue/types.ts";
import { startRedis, type TestRedis } from "./redis.ts";

export const FRUITS = ["apple", "banana", "cherry", "date", "fig", "grape", "lemon", "melon", "orange"];
export const VERSIONS = ["8", "7.0"] as const;

const k = keys("job2");

/** Outcome of an item that {@link SeederFixture.give} takes. */
export type Fate = "done" | "dead" | "lost" | "delayed" | "suspect" | "leased";

/** A Redis for a file of tests, emptied before each test, with helpers. */
export class SeederFixture {
  server!: TestRedis;
  redis!: Redis;
  admin!: QueueAdmin;
  #jobs = 0;

  /** Registers its hooks in the `describe` that calls it. */
  static register(version: (typeof VERSIONS)[number] = "8", args?: string[]): SeederFixture {
    const fixture = new SeederFixture();
    before(async () => {
      fixture.server = await startRedis({ version, args: args ?? ["--appendonly", "yes", "--appendfsync", "always"] });
      fixture.redis = new Redis(fixture.server.url);
      fixture.redis.on("error", () => {});
      fixture.admin = new QueueAdmin(fixture.redis, "job2");
    });
    beforeEach(() => fixture.redis.flushall());
    after(async () => {
      fixture.redis.disconnect();
      await fixture.server.stop();
    });
    return fixture;
  }

  /** Seeds as a new seed Job would, with a new `seedId` each time, unless one is given. */
  seed(source: ItemSource, options: Partial<SeedOptions> = {}, maxDowntimeMs = 2_000): Promise<SeedReport> {
    return new Seeder({ url: this.server.url, queue: "job2", maxDowntimeMs }).seed(source, {
      owner: "fruit/dev",
      run: "1",
      seedId: `job-${++this.#jobs}`,
      ...options,
    });
  }

  list(): Promise<string[]> {
    return this.redis.lrange(k.list, 0, "-1");
  }

  batch(field: string): Promise<string | null> {
    return this.redis.hget(k.batch, field);
  }

  async usedMemory(): Promise<number> {
    return Number(/used_memory:(\d+)/.exec(await this.redis.info("memory"))![1]);
  }

  /** Runs something while Redis has room for this many bytes. */
  async withRoom<T>(bytes: number, act: () => Promise<T>): Promise<T> {
    await this.redis.config("SET", "maxmemory", String((await this.usedMemory()) + bytes));
    return act().finally(() => this.redis.config("SET", "maxmemory", "0"));
  }

  /** Takes the head of the list, and gives the item a fate. */
  async give(fate: Fate, id: number): Promise<void> {
    const { redis } = this;
    const payload = (await redis.lpop(k.list))!;
    const take = `0 ${fate === "lost" ? 1 : 0} 1000 s1\n\n${payload}`;
    await redis.hset(k.batch, "lastId", id, "lastLength", await redis.llen(k.list));
    const open = (end: string) => redis.hset(k.items, String(id), end + take);
    const settled = (end: string) => redis.hset(k.results, String(id), end + take);
    if (fate === "done") await settled('d5 ="ok"\n');
    if (fate === "dead") await settled('f5 "no"\n');
    if (fate === "lost") await settled("l5000 4000\n");
    if (fate === "dead" || fate === "lost") await redis.zadd(k.dead, id, String(id));
    if (fate === "delayed") await Promise.all([open('f5 "no"\n'), redis.zadd(k.delayed, 1e15, String(id))]);
    if (fate === "suspect") await Promise.all([open("l5000 4000\n"), redis.zadd(k.suspects, 1e15, String(id))]);
    if (fate === "leased") await Promise.all([open(""), redis.zadd(k.leases, 1e15, `${id}:s1.1`)]);
  }
}
