import type { Redis } from "ioredis";
import { DEFAULT_QUEUE } from "../../config/settings.ts";
import { type Counts, QueueAdmin } from "../../queue/index.ts";
import type { QueueOptions, RedisOptions } from "../command.ts";
import { UserError } from "../errors.ts";
import { type BatchLocation, findRedis, type RedisLocation } from "./batches.ts";
import type { Cluster } from "./cluster.ts";
import { openCluster, preloadCluster } from "./openCluster.ts";
import { type FoundBatch, readBatch, readStack } from "./readStack.ts";
import { connectTo, openRoute, type RedisConnection } from "./redisRoutes.ts";

/** A queue that can be asked, and what to close afterwards. */
export interface OpenQueue {
  admin: QueueAdmin;
  redis: Redis;
  queue: string;
  /** For a headline: the queue's name, and the stack's. */
  title: string;
  /** The problem of its workers' pods; undefined without one, or if the cluster does not tell. */
  podProblem?: () => Promise<string | undefined>;
  /** True if its workers' Job has ended or is gone; false if the cluster does not tell. */
  workersEnded?: () => Promise<boolean>;
  /** Called before a change. @throws UserError if the batch belongs to another stack. */
  ensureOwn: () => Promise<void>;
  close: () => void;
}

/**
 * True if an object belongs to another stack. The kubeconfig's context may lead to another cluster with the same names.
 */
export const isForeign = (batch: BatchLocation, owner: string | undefined): owner is string =>
  Boolean(owner && batch.owner) && owner !== batch.owner;

/** The error of a change to an object of another stack. */
export const foreign = (what: string, owner: string, batch: BatchLocation, { label }: { label: string }): UserError =>
  new UserError(
    `${what} belongs to ${owner} here, not to ${batch.owner}: ${label} may be another cluster than the stack's`,
  );

/** The queue of a batch of a stack. */
export async function openBatch({ batch, location, title }: FoundBatch, queue = batch.queue): Promise<OpenQueue> {
  const { redis, close } = await openRoute(batch.redis, location);
  const { workerJob, cluster, namespace } = batch;
  const ask = async <T>(question: (workers: Cluster, job: string) => Promise<T>) => {
    if (workerJob === undefined) return undefined;
    const opened = openCluster(cluster, namespace, location);
    return opened.then((workers) => question(workers, workerJob)).catch(() => undefined);
  };
  const admin = new QueueAdmin(redis, queue);
  const ensureOwn = async () => {
    const { owner } = await admin.counts();
    if (queue !== batch.queue || !isForeign(batch, owner)) return;
    throw foreign(`the batch ${queue}`, owner, batch, await openCluster(cluster, namespace, location));
  };
  return {
    admin,
    redis,
    queue,
    title: `${queue} (${title})`,
    podProblem: () => ask((workers, job) => workers.podProblem(job)),
    workersEnded: async () => (await ask((workers, job) => workers.hasEnded(job))) ?? false,
    ensureOwn,
    close,
  };
}

/** The queue of a batch, by way of its stack; or that of `--redis`, without a stack. */
export async function openQueue(options: QueueOptions): Promise<OpenQueue> {
  if (options.redis === undefined) {
    preloadCluster();
    return openBatch(await readBatch(options), options.queue);
  }
  const queue = options.queue ?? DEFAULT_QUEUE;
  const { redis, close } = await connectTo(options.redis);
  return { admin: new QueueAdmin(redis, queue), redis, queue, title: queue, ensureOwn: async () => {}, close };
}

/** A Redis with all its queues: that of `--redis`, of the batch, or the only one of the stack. */
async function openRedis(options: RedisOptions): Promise<RedisConnection> {
  if (options.redis !== undefined) return connectTo(options.redis);
  preloadCluster();
  const { location, redis } = await readRedis(options);
  return openRoute(redis, location);
}

/** Opens a Redis, does something with it, and closes it. */
export async function withRedis<T>(
  options: RedisOptions,
  use: (redis: RedisConnection["redis"]) => Promise<T>,
): Promise<T> {
  const { redis, close } = await openRedis(options);
  try {
    return await use(redis);
  } finally {
    close();
  }
}

async function readRedis(options: RedisOptions) {
  const found = await readStack(options.stack);
  const servers = options.batch === undefined ? findRedis(found.state) : [];
  if (servers.length > 1)
    throw new UserError(
      `${found.title} has ${servers.length} Redis servers: choose one by a batch of it, --batch NAME`,
    );
  const redis: RedisLocation = servers[0] ?? (await readBatch(options)).batch.redis;
  return { location: found.location, redis };
}

/** Opens the queue, does something with it, and closes it. */
export async function withQueue<T>(options: QueueOptions, use: (queue: OpenQueue) => Promise<T>): Promise<T> {
  const queue = await openQueue(options);
  try {
    return await use(queue);
  } finally {
    queue.close();
  }
}

/**
 * The same, but a queue that nobody seeded or took from (a mistyped name, an `up` that has just begun) is an error.
 */
export async function withBatch<T>(
  options: QueueOptions,
  use: (queue: OpenQueue, counts: Counts) => Promise<T>,
): Promise<T> {
  return withQueue(options, async (queue) => {
    const counts = await queue.admin.counts();
    if (counts.total === 0 && counts.owner === "")
      throw new UserError(`nothing was seeded into or taken from the queue ${queue.title} yet`);
    return use(queue, counts);
  });
}
