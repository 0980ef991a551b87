import { connect, QueueAdmin } from "../../queue/index.ts";
import type { Counts } from "../../queue/types.ts";
import { Cluster } from "./cluster.ts";
import type { QueueOptions } from "../command.ts";
import { findStack, type StackLocation, stackOutputs } from "./stack.ts";
import { firstLine, UserError } from "../errors.ts";

/** A queue that can be asked, and what to close afterwards. */
export interface OpenQueue {
  admin: QueueAdmin;
  /** For a headline: the queue's name, and the stack's. */
  title: string;
  close: () => void;
}

async function open(url: string, queue: string, title: string, done: () => void): Promise<OpenQueue> {
  try {
    const redis = await connect(url);
    const close = () => {
      redis.disconnect();
      done();
    };
    return { admin: new QueueAdmin(redis, queue), title, close };
  } catch (error) {
    done();
    throw new UserError(firstLine(error));
  }
}

/** The queue of a stack, through its cluster or its own Redis; or that of `--redis`, without a stack. */
export async function openQueue(where: QueueOptions, home: StackLocation = findStack(where.stack)): Promise<OpenQueue> {
  if (where.redis) {
    const queue = where.queue ?? "job2";
    return open(where.redis, queue, queue, () => {});
  }
  const outputs = await stackOutputs(home);
  const queue = where.queue ?? outputs.queue;
  const title = home.stack ? `${queue} (stack ${home.stack})` : queue;
  if (outputs.redisUrl) return open(outputs.redisUrl, queue, title, () => {});
  if (!outputs.redisPod)
    throw new UserError("the stack exports neither a Redis Pod nor a redisUrl: run `pulumi up` again");
  const cluster = new Cluster(outputs, home.env.KUBECONFIG);
  const password = outputs.redisSecret ? await cluster.password(outputs.redisSecret) : undefined;
  const { port, close } = await cluster.forward(outputs.redisPod);
  const login = password ? `:${encodeURIComponent(password)}@` : "";
  return open(`redis://${login}127.0.0.1:${port}`, queue, title, close);
}

/** Opens the queue, does something with it, and closes it. */
export async function withQueue<T>(where: QueueOptions, use: (queue: OpenQueue) => Promise<T>): Promise<T> {
  const queue = await openQueue(where);
  try {
    return await use(queue);
  } finally {
    queue.close();
  }
}

/** The same, for what a queue that nobody seeded or took from (a mistyped name, an `up` that is not that far) can't answer. */
export async function withBatch<T>(
  where: QueueOptions,
  use: (queue: OpenQueue, counts: Counts) => Promise<T>,
): Promise<T> {
  return withQueue(where, async (queue) => {
    const counts = await queue.admin.counts();
    if (counts.total === 0 && counts.owner === "")
      throw new UserError(`nothing was seeded into or taken from the queue ${queue.title} yet`);
    return use(queue, counts);
  });
}
