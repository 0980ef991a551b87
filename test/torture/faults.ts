import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { connect, QueueAdmin, Seeder } from "../../queue/index.ts";
import { pass } from "../support/consuming.ts";
import type { TestRedis } from "../support/redis.ts";
import type { Random } from "./random.ts";
import type { KeptWorker } from "./workers.ts";

/** Targets of a fault. */
interface Scene {
  items: string[];
  random: Random;
  server: TestRedis;
  workers: KeptWorker[];
}

const worker = ({ random, workers }: Scene) => random.pick(workers);

/** Does something with the server itself, beside the workers' ways to it. */
async function withRedis({ server }: Scene, act: (redis: Redis) => Promise<unknown>): Promise<void> {
  const redis = await connect(server.url);
  try {
    await act(redis);
  } finally {
    redis.disconnect();
  }
}

/** Does something to the batch as a person would. */
const withAdmin = (scene: Scene, act: (admin: QueueAdmin) => Promise<unknown>) =>
  withRedis(scene, (redis) => act(new QueueAdmin(redis, "job2")));

/** Holds what goes to a worker or comes from it. */
async function hold(scene: Scene, what: "requests" | "replies"): Promise<void> {
  const release = worker(scene).proxy.hold(what);
  await sleep(scene.random.integer(50, 6_000));
  release();
}

/** All of them pass by themselves. */
export const faults = {
  kill: async (scene: Scene) => worker(scene).signal("SIGKILL"),
  terminate: async (scene: Scene) => worker(scene).signal("SIGTERM"),
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
  full: (scene: Scene) =>
    withRedis(scene, async (redis) => {
      await redis.config("SET", "maxmemory", "1");
      await sleep(scene.random.integer(100, 3_000));
      await redis.config("SET", "maxmemory", "0");
    }),
  paused: (scene: Scene) =>
    withAdmin(scene, async (admin) => {
      await admin.pause();
      await sleep(scene.random.integer(100, 4_000));
      await admin.resume();
    }),
  cancelled: (scene: Scene) =>
    withAdmin(scene, (admin) => admin.cancel(() => scene.random.next() < 0.2, "the torturer")),
  retried: (scene: Scene) => withAdmin(scene, (admin) => admin.retry()),
  resumed: (scene: Scene) => withAdmin(scene, (admin) => admin.resume()),
  begunAnew: async ({ items, random, server }: Scene) => {
    const run = String(random.next());
    await new Seeder({ url: server.url, queue: "job2" }).seed(items, { owner: "p/s", run, seedId: run });
  },
  clockForward: (scene: Scene) => withRedis(scene, (redis) => pass(redis, scene.random.integer(200, 20_000))),
  clockBack: (scene: Scene) => withRedis(scene, (redis) => pass(redis, -scene.random.integer(200, 20_000))),
  requestsHeld: (scene: Scene) => hold(scene, "requests"),
  repliesHeld: (scene: Scene) => hold(scene, "replies"),
  pushedByHand: (scene: Scene) =>
    withRedis(scene, async (redis) => {
      const item = "sleep 20";
      scene.items.push(item);
      await (scene.random.next() < 0.5 ? redis.rpush("job2", item) : redis.lpush("job2", item));
    }),
  // WAITAOF takes seconds, and what is asked on the same connection waits behind it.
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
} satisfies Record<string, (scene: Scene) => Promise<unknown>>;

export type FaultName = keyof typeof faults;
