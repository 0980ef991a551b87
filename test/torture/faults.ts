import { setTimeout as sleep } from "node:timers/promises";
import { connect, QueueAdmin } from "../../queue/index.ts";
import type { Redis } from "ioredis";
import type { TestRedis } from "../support/redis.ts";
import type { Random } from "./random.ts";
import type { KeptWorker } from "./workers.ts";

/** What a fault is done to. */
interface Scene {
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
    withRedis(scene, async (redis) => {
      const admin = new QueueAdmin(redis, "job2");
      await admin.pause();
      await sleep(scene.random.integer(100, 1_500));
      await admin.resume();
    }),
  redisKilled: async ({ random, server }: Scene) => {
    await server.kill();
    await sleep(random.integer(10, 3_000));
    await server.restart();
  },
} satisfies Record<string, (scene: Scene) => Promise<unknown>>;

export type FaultName = keyof typeof faults;
