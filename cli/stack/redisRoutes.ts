// The ways from here to the Redis of a batch.
import { withEncodedLogin } from "../../config/parse.ts";
import type { Redis } from "ioredis";
import { connect } from "../../queue/index.ts";
import { REDIS_PORT } from "../../config/ports.ts";
import { firstLine, UserError } from "../errors.ts";
import type { RedisLocation } from "./batches.ts";
import type { StackLocation } from "./findStack.ts";
import { openCluster } from "./openCluster.ts";
import { openRelay } from "./relayPod.ts";

/** A connection to Redis, and what to close with it. */
export interface RedisConnection {
  redis: Redis;
  close: () => void;
}

/** A way to a Redis. */
export interface Route {
  /** True if it can lead there at all. */
  leadsTo: (location: RedisLocation) => boolean;
  /** @throws UserError if it does not. */
  open: (location: RedisLocation, stack: StackLocation) => Promise<RedisConnection>;
}

/** Differences of a connection from its URL. */
interface ConnectOptions {
  /** Port of loopback that leads to the URL's address. */
  port?: number;
  /** Certificate of a private authority, as PEM. */
  ca?: string;
  patienceMs?: number;
  /** Closes what the connection runs through. */
  release?: () => void;
}

/** Connects to a URL. @throws UserError if Redis does not answer. */
export async function connectTo(given: string, options: ConnectOptions = {}): Promise<RedisConnection> {
  const url = withEncodedLogin(given);
  const { port, ca, patienceMs, release = () => {} } = options;
  // Not repeated in the message: it may hold a password.
  if (!URL.canParse(url))
    throw new UserError("Expected the URL of a Redis, like redis://host:6379, got something else");
  try {
    const address = new URL(url);
    const servername = port === undefined ? undefined : address.hostname;
    if (port !== undefined) [address.hostname, address.port] = ["127.0.0.1", String(port)];
    const redis = await connect(address.href, patienceMs, ca || servername ? { ca, servername } : undefined);
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

/** Time limit for a Redis that this machine may not reach, ms. */
const DIRECT_MS = 2_000;

/** Straight to its address: a Redis of the user's own that this machine can reach. */
const direct: Route = {
  leadsTo: ({ url }) => url !== undefined,
  open: ({ url, ca, relay }) => connectTo(url!, { ca, patienceMs: relay?.jobs.length ? DIRECT_MS : undefined }),
};

/** Through the cluster's API server to the Pod that Redis runs in. */
const podForward: Route = {
  leadsTo: ({ pod }) => pod !== undefined,
  async open({ cluster: settings, namespace, pod, passwordSecret }, stack) {
    const cluster = await openCluster(settings, namespace, stack);
    const password = passwordSecret === undefined ? undefined : await cluster.password(passwordSecret);
    const { port, close } = await cluster.forward(pod!, REDIS_PORT);
    const login = password ? `:${encodeURIComponent(password)}@` : "";
    return connectTo(`redis://${login}127.0.0.1:${port}`, { release: close });
  },
};

/**
 * Through a Pod that relays to a Redis which only the cluster can reach: the supervisor's while it runs, else one that
 * is started for it.
 */
const throughRelay: Route = {
  leadsTo: ({ url, relay }) => url !== undefined && Boolean(relay?.jobs.length),
  async open({ cluster: settings, url, ca, relay }, stack) {
    const { namespace, jobs } = relay!;
    const { port, close } = await openRelay(await openCluster(settings, namespace, stack), jobs);
    return connectTo(url!, { port, ca, release: close });
  },
};

/** In the order in which they are tried. */
const routes: Route[] = [direct, podForward, throughRelay];

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
      reasons.push(error.message.replace(/\.$/, ""));
    }
  }
  throw new UserError(
    reasons.join("; and ") || "the stack says neither which Pod Redis runs in nor its URL: run `pulumi up` again",
  );
}
