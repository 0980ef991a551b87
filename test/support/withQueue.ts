import type { Redis } from "ioredis";
import { connect, keys, QueueAdmin } from "../../queue/index.ts";
import type { Counts, ItemRecord } from "../../queue/types.ts";
import { type RedisVersion, startRedis, type TestRedis } from "./redis.ts";

/** A queue for the tests of a `describe`. */
export interface QueueFixture {
  readonly server: TestRedis;
  readonly redis: Redis;
  readonly admin: QueueAdmin;
  readonly url: string;
  /** Names of its keys. */
  readonly k: ReturnType<typeof keys>;
  /** Keys of its items. */
  places(): Promise<Pick<Counts, "state" | "waiting" | "running" | "delayed" | "done" | "dead" | "lost">>;
  /** All records, or the dead ones. */
  records(which?: "results" | "dead"): Promise<ItemRecord[]>;
  /** Waits until a condition holds. */
  until(what: () => Promise<boolean> | boolean, why?: string): Promise<void>;
}

/**
 * A Redis with an empty queue `job2` for each test of the `describe` that calls this.
 * @param options.version Default: `8`.
 * @param options.args Options of redis-server.
 */
export function withQueue(options: { version?: RedisVersion; args?: string[] } = {}): QueueFixture {
  let server: TestRedis;
  let redis: Redis;
  let admin: QueueAdmin;
  before(async () => {
    server = await startRedis(options);
    redis = await connect(server.url);
    admin = new QueueAdmin(redis, "job2");
  });
  beforeEach(() => redis.flushall());
  after(async () => {
    redis.disconnect();
    await server.stop();
  });
  return {
    k: keys("job2"),
    get server() {
      return server;
    },
    get redis() {
      return redis;
    },
    get admin() {
      return admin;
    },
    get url() {
      return server.url;
    },
    async places() {
      const { state, waiting, running, delayed, done, dead, lost } = await admin.counts();
      return { state, waiting, running, delayed, done, dead, lost };
    },
    async records(which = "results") {
      const found: ItemRecord[] = [];
      for await (const record of admin[which]()) found.push(record);
      return found;
    },
    async until(what, why = "it never came to that") {
      for (const end = performance.now() + 60_000; !(await what());) {
        if (performance.now() > end) throw new Error(why);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    },
  };
}
