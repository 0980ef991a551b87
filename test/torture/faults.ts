import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { connect, QueueAdmin, Seeder } from "../../queue/index.ts";
import { pass } from "../support/consuming.ts";
import type { TestRedis } from "../support/redis.ts";
import type { Random } from "./random.ts";
import type { KeptWorker } from "./workers.ts";

/** Targets of a fault. */
export interface Scene {
  /** Items that must be recorded, and removed ones that may be, since an edit took them away. */
  items: string[];
  removed: string[];
  /** Somebody pushed to the head of the list: the next edit would take it for a seeded item (queue/README.md). */
  isShifted: boolean;
  random: Random;
  server: TestRedis;
  workers: KeptWorker[];
}

const worker = ({ random, workers }: Scene) => random.pick(workers);

/** Does something with the server itself, on another way than the workers' proxies. */
async function withRedis<T>({ server }: Scene, act: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = await connect(server.url);
  try {
    return await act(redis);
  } finally {
    redis.disconnect();
  }
}

/** Does something to the batch as a person would. */
const withAdmin = <T>(scene: Scene, act: (admin: QueueAdmin) => Promise<T>) =>
  withRedis(scene, (redis) => act(new QueueAdmin(redis, "job2")));

/** Changes a setting of the server for a while. */
const withSetting = (scene: Scene, name: string, value: string, usual: string) =>
  withRedis(scene, async (redis) => {
    await redis.config("SET", name, value);
    await sleep(scene.random.integer(100, 3_000));
    await redis.config("SET", name, usual);
  });

const seed = ({ items, server }: Scene, run: string) =>
  new Seeder({ url: server.url, queue: "job2" }).seed(items, { owner: "p/s", run, seedId: run });

/** The log to which the server writes now. */
function logOf({ server }: Scene): string {
  const dir = join(server.dir, "appendonlydir");
  const logs = readdirSync(dir).filter((name) => name.endsWith(".incr.aof"));
  return join(dir, logs.sort((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1)!);
}

/** Holds what goes to a worker or comes from it. */
async function hold(scene: Scene, what: "requests" | "replies"): Promise<void> {
  const release = worker(scene).proxy.hold(what);
  await sleep(scene.random.integer(50, 6_000));
  release();
}

/** All faults pass by themselves. */
export const faults = {
  kill: async (scene: Scene) => worker(scene).signal("SIGKILL"),
  allKilled: async ({ workers }: Scene) => workers.forEach((one) => one.signal("SIGKILL")),
  allStopped: async ({ random, workers }: Scene) => {
    for (const one of workers) one.signal("SIGSTOP");
    await sleep(random.integer(100, 4_000));
    for (const one of workers) one.signal("SIGCONT");
  },
  terminate: async (scene: Scene) => worker(scene).signal("SIGTERM"),
  // The worker begins to connect, and is accepted only later, if ever.
  terminatedConnecting: async (scene: Scene) => {
    const { random } = scene;
    const stopped = worker(scene);
    stopped.proxy.close();
    stopped.signal("SIGKILL");
    await sleep(random.integer(300, 2_000));
    stopped.signal("SIGTERM");
    await sleep(random.integer(0, 1_000));
    stopped.proxy.open();
  },
  stop: async (scene: Scene) => {
    const stopped = worker(scene);
    stopped.signal("SIGSTOP");
    await sleep(scene.random.integer(100, 4_000));
    stopped.signal("SIGCONT");
  },
  cut: async (scene: Scene) => worker(scene).cut(),
  silence: async (scene: Scene) => {
    const silent = worker(scene);
    silent.freeze();
    if (scene.random.next() < 0.5) silent.cut();
  },
  flap: async (scene: Scene) => {
    const flapping = worker(scene);
    for (let times = 0; times < 6; times++) {
      flapping.cut();
      await sleep(scene.random.integer(20, 300));
    }
  },
  clientsKilled: (scene: Scene) => withRedis(scene, (redis) => redis.call("CLIENT", "KILL", "TYPE", "normal")),
  clientsPaused: (scene: Scene) =>
    withRedis(scene, (redis) => redis.call("CLIENT", "PAUSE", scene.random.integer(100, 2_500), "ALL")),
  scriptsFlushed: (scene: Scene) => withRedis(scene, (redis) => redis.script("FLUSH")),
  full: (scene: Scene) => withSetting(scene, "maxmemory", "1", "0"),
  noReplicas: (scene: Scene) => withSetting(scene, "min-replicas-to-write", "1", "0"),
  // A person's script that does not end: everybody else is told BUSY.
  busy: (scene: Scene) =>
    withRedis(scene, async (redis) => {
      await redis.config("SET", "lua-time-limit", "20");
      const seconds = scene.random.integer(1, 20) / 10;
      await redis.eval(`local t = os.clock() while os.clock() - t < ${seconds} do end`, 0);
    }),
  // As in a failover that is taken back.
  readOnly: (scene: Scene) =>
    withRedis(scene, async (redis) => {
      await redis.call("REPLICAOF", "127.0.0.1", "1");
      await sleep(scene.random.integer(100, 3_000));
      await redis.call("REPLICAOF", "NO", "ONE");
    }),
  // All connections are cut, and few are let in.
  crowded: (scene: Scene) =>
    withRedis(scene, async (redis) => {
      await redis.config("SET", "maxclients", "2");
      await redis.call("CLIENT", "KILL", "TYPE", "normal");
      await sleep(scene.random.integer(100, 3_000));
      await redis.config("SET", "maxclients", "1000");
    }),
  paused: (scene: Scene) =>
    withAdmin(scene, async (admin) => {
      await admin.pause();
      await sleep(scene.random.integer(100, 4_000));
      await admin.resume();
    }),
  cancelled: (scene: Scene) =>
    withAdmin(scene, (admin) => admin.cancel(() => scene.random.next() < 0.2, "the torturer")),
  abortedByHand: (scene: Scene) =>
    withAdmin(scene, async (admin) => {
      await admin.abort("by the torturer");
      await sleep(scene.random.integer(0, 1_000));
      await admin.resume();
    }),
  purged: async (scene: Scene) => {
    await withAdmin(scene, (admin) => admin.purge({ force: true }));
    scene.isShifted = false;
    await seed(scene, String(scene.random.next()));
  },
  edited: async (scene: Scene) => {
    const { items, random, removed } = scene;
    if (scene.isShifted) return;
    removed.push(...items.splice(random.integer(0, items.length - 1), random.integer(1, 20)));
    items.splice(random.integer(0, items.length), 0, "sleep 21", "sleep 22");
    await seed(scene, "edit");
  },
  retried: (scene: Scene) => withAdmin(scene, (admin) => admin.retry()),
  resumed: (scene: Scene) => withAdmin(scene, (admin) => admin.resume()),
  begunAnew: async (scene: Scene) => {
    scene.isShifted = false;
    await seed(scene, String(scene.random.next()));
  },
  clockForward: (scene: Scene) => withRedis(scene, (redis) => pass(redis, scene.random.integer(200, 20_000))),
  clockBack: (scene: Scene) => withRedis(scene, (redis) => pass(redis, -scene.random.integer(200, 20_000))),
  clockFlaps: (scene: Scene) =>
    withRedis(scene, async (redis) => {
      for (let times = 0; times < 8; times++) {
        await pass(redis, scene.random.integer(-2_000, 2_000));
        await sleep(scene.random.integer(10, 400));
      }
    }),
  requestsHeld: (scene: Scene) => hold(scene, "requests"),
  repliesHeld: (scene: Scene) => hold(scene, "replies"),
  pushedByHand: (scene: Scene) =>
    withRedis(scene, async (redis) => {
      const item = "sleep 20";
      scene.items.push(item);
      const atHead = scene.random.next() < 0.5;
      scene.isShifted ||= atHead;
      await (atHead ? redis.lpush("job2", item) : redis.rpush("job2", item));
    }),
  // WAITAOF takes seconds, and later commands on the same connection wait behind it.
  diskSlow: async (scene: Scene) => {
    const { proxy } = worker(scene);
    const slowMs = scene.random.integer(1_000, 8_000);
    proxy.onRequest = (text) => text.includes("WAITAOF") && setTimeout(proxy.hold("replies"), slowMs);
  },
  // As with `appendfsync always` on a disk that stalls.
  diskStalls: async (scene: Scene) => {
    for (let times = scene.random.integer(1, 10); times > 0; times--) {
      process.kill(scene.server.pid, "SIGSTOP");
      await sleep(scene.random.integer(50, 1_200));
      process.kill(scene.server.pid, "SIGCONT");
      await sleep(scene.random.integer(10, 300));
    }
  },
  redisStopped: async (scene: Scene) => {
    process.kill(scene.server.pid, "SIGSTOP");
    await sleep(scene.random.integer(100, 5_000));
    process.kill(scene.server.pid, "SIGCONT");
  },
  redisKilled: async ({ random, server }: Scene) => {
    await server.kill();
    await sleep(random.integer(10, 3_000));
    await server.restart();
  },
  // In the middle of writing its log anew.
  redisKilledRewriting: async (scene: Scene) => {
    await withRedis(scene, (redis) => redis.bgrewriteaof());
    await sleep(scene.random.integer(0, 100));
    await scene.server.kill();
    await scene.server.restart();
  },
  // A host that dies: what was written in its last second is not on disk.
  tailLost: async (scene: Scene) => {
    const { random, server } = scene;
    const before = statSync(logOf(scene)).size;
    await sleep(random.integer(0, 900));
    await server.kill();
    const log = logOf(scene);
    truncateSync(log, random.integer(Math.min(before, statSync(log).size), statSync(log).size));
    await server.restart();
  },
} satisfies Record<string, (scene: Scene) => Promise<unknown>>;

export type FaultName = keyof typeof faults;
