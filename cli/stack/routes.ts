// The ways from here to the Redis of a batch.
import type { Redis } from "ioredis";
import { connect } from "../../queue/index.ts";
import { firstLine, UserError } from "../errors.ts";
import type { RedisLocation } from "./batches.ts";
import type { StackLocation } from "./location.ts";

/** A connection to Redis, and what to close with it. */
export interface RedisConnection {
  redis: Redis;
  close: () => void;
}

/** A way to a Redis. */
export interface Route {
  /** Whether it can lead there at all. */
  leadsTo: (location: RedisLocation) => boolean;
  /** @throws UserError where it does not. */
  open: (location: RedisLocation, stack: StackLocation) => Promise<RedisConnection>;
}

/**
 * Connects to a URL.
 * @param release Closes what the connection runs through.
 * @throws UserError where Redis does not answer.
 */
export async function connectTo(url: string, release: () => void = () => {}): Promise<RedisConnection> {
  try {
    const redis = await connect(url);
    const close = () => {
      redis.disconnect();
      release();
    };
    return { redis, close };
  } catch (error) {
    release();
    throw new UserError(firstLine(error));
  }
}

/** Straight to its address: a Redis of the user's own that this machine can reach. */
const direct: Route = {
  leadsTo: ({ url }) => url !== undefined,
  open: ({ url }) => connectTo(url!),
};

/** Through the cluster's API server to the Pod that Redis runs in. */
const podForward: Route = {
  leadsTo: ({ pod }) => pod !== undefined,
  async open({ cluster: settings, namespace, pod, passwordSecret }, stack) {
    const { Cluster } = await import("./cluster.ts");
    const cluster = new Cluster(settings, namespace, stack);
    const password = passwordSecret === undefined ? undefined : await cluster.password(passwordSecret);
    const { port, close } = await cluster.forward(pod!);
    const login = password ? `:${encodeURIComponent(password)}@` : "";
    return connectTo(`redis://${login}127.0.0.1:${port}`, close);
  },
};

/**
 * In the order in which they are tried. A relay in the supervisor's Pod, for a Redis that only the cluster can reach,
 * belongs at the end.
 */
const routes: Route[] = [direct, podForward];

/** Opens a connection by the first route that works. @throws UserError: the reasons of all routes that were tried. */
export async function openRoute(
  location: RedisLocation,
  stack: StackLocation,
  ways: Route[] = routes,
): Promise<RedisConnection> {
  const reasons: string[] = [];
  for (const route of ways) {
    if (!route.leadsTo(location)) continue;
    try {
      return await route.open(location, stack);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      reasons.push(error.message);
    }
  }
  throw new UserError(
    reasons.join("; and ") || "the stack says neither which Pod Redis runs in nor its URL: run `pulumi up` again",
  );
}
