import { once } from "node:events";
import { connect as netConnect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { socketAddress } from "./address.ts";
import { advice, isRefusal, RedisError } from "./errors.ts";

/** Messages of ioredis about a connection that is not there; it told the reason to its `error` event before. */
const UNINFORMATIVE =
  /isn't writeable|max retries per request|Connection is closed|aborted due to connection close|ended by the other party/i;
/** A connection that ended while it was made. */
const CUT_OFF = /EPIPE|ECONNRESET|connection was closed/;
const FAREWELL_MS = 300;
/** A connection on which no answer comes for so long is made anew, ms: longer than Redis's disk may take. */
const SOCKET_TIMEOUT_MS = 40_000;
/** Longest wait between two attempts to connect, ms. */
const MAX_RETRY_MS = 1_000;
/** Longest wait for the end of a connection that is given up, ms. The other side may be gone. */
const GOODBYE_MS = 50;

/** Reason why a connection broke or could not be made, since it last worked. */
const connectionErrors = new WeakMap<Redis, Error>();

/** The address of a URL, without its password. */
export function address(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return "the address given";
  }
}

/** A connection broke, or could not be made. */
class ConnectionError extends Error {
  override name = "ConnectionError";
}

/** The real reason of a failed command: that of the connection, if ioredis only says that there is none. */
export function realError(redis: Redis, error: Error): Error {
  if (error.name === "ReplyError" || !(UNINFORMATIVE.test(error.message) || error.name === "AbortError")) return error;
  const cause = connectionErrors.get(redis) ?? error;
  const message = UNINFORMATIVE.test(cause.message) ? "the connection was closed" : cause.message;
  return new ConnectionError(message, { cause });
}

/**
 * A server's words to a client that it refuses. It closes the connection at once, and the next write of ioredis fails
 * before these words are read.
 */
async function farewellOf(url: string): Promise<string | undefined> {
  const socket = netConnect(socketAddress(url));
  try {
    const [data] = (await once(socket, "data", { signal: AbortSignal.timeout(FAREWELL_MS) })) as [Buffer];
    return /^-(.*)\r\n/.exec(data.toString())?.[1];
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

/**
 * Verification of a server with TLS: a certificate authority of its own (PEM), and its name if it is not the URL's.
 */
export interface TlsOptions {
  ca?: string;
  servername?: string;
}

/**
 * A connection to Redis, ready. It reconnects by itself; commands that were in flight when it broke fail, and so do
 * those given while it is away.
 * @param url `redis://` or `rediss://`, with its password if it has one.
 * @param timeoutMs How long to wait for a Redis that is not there yet.
 * @param tls For `rediss://`, what the system's own authorities do not say.
 * @param maxRetryMs Longest wait between two attempts.
 * @throws RedisError
 */
export async function connect(
  url: string,
  timeoutMs = 5_000,
  tls?: TlsOptions,
  maxRetryMs = MAX_RETRY_MS,
): Promise<Redis> {
  // ioredis ignores options of TLS beside a URL with `rediss:`.
  const secure = tls && url.startsWith("rediss:") ? { tls } : {};
  const redis = new Redis("tls" in secure ? url.replace("rediss:", "redis:") : url, {
    ...secure,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // After a failover an old connection may lead to what is now a replica: a new one leads to the new primary.
    reconnectOnError: ({ message }) => message.startsWith("READONLY"),
    connectTimeout: 5_000,
    disconnectTimeout: GOODBYE_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), maxRetryMs),
  });
  const onError = (error: Error) => void connectionErrors.set(redis, error);
  redis.on("error", onError);
  redis.on("ready", () => connectionErrors.delete(redis));
  // Not awaited: ioredis gives up on the promise at the first failure and goes on trying.
  redis.connect().catch((error: Error) => {
    if (!connectionErrors.has(redis)) onError(error);
  });
  for (const end = performance.now() + timeoutMs; ; await sleep(Math.min(25, maxRetryMs))) {
    if (redis.status === "ready") {
      try {
        await redis.ping();
        connectionErrors.delete(redis);
        return redis;
      } catch (error) {
        onError(error as Error);
      }
    }
    const cause = connectionErrors.get(redis);
    if ((cause && isRefusal(cause)) || performance.now() > end) {
      redis.disconnect();
      const seen = cause && realError(redis, cause).message;
      const why = (CUT_OFF.test(seen ?? "") && (await farewellOf(url))) || seen || "it does not answer";
      throw new RedisError(`No connection to Redis at ${address(url)}: ${why}; ${advice(why)}.`, { cause });
    }
  }
}
