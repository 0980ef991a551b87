import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";

/** What of an error by Redis means that waiting helps: it starts, it is busy, or it is full of a slow script. */
const TRANSIENT = /^(LOADING|BUSY|TRYAGAIN|MASTERDOWN|READONLY|CLUSTERDOWN)/;

/** The address of a URL, without its password. */
export function address(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return "the address given";
  }
}

/** Whether a connection or a command that failed so may work later. */
export function isTransient(error: unknown): boolean {
  const { name, message } = error as Error;
  return name !== "ReplyError" || TRANSIENT.test(message);
}

/** How to verify a server with TLS: a certificate authority of its own (PEM), and its name where it is not the URL's. */
export interface TlsOptions {
  ca?: string;
  servername?: string;
}

/**
 * A connection to Redis, ready. It reconnects by itself; commands that were under way when it broke fail, and so do those given while it is away.
 * @param url `redis://` or `rediss://`, with its password if it has one.
 * @param patienceMs How long to wait for a Redis that is not there yet. Default: 5 s.
 * @param tls For `rediss://`, what the system's own authorities do not say.
 * @throws Error with one line: where, why, and what to do.
 */
export async function connect(url: string, patienceMs = 5_000, tls?: TlsOptions): Promise<Redis> {
  // Of a URL with `rediss:` ioredis takes no options of TLS beside it.
  const secure = tls && url.startsWith("rediss:") ? { tls } : {};
  const redis = new Redis("tls" in secure ? url.replace("rediss:", "redis:") : url, {
    ...secure,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    connectTimeout: 5_000,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), 1_000),
  });
  let trouble: Error | undefined;
  redis.on("error", (error: Error) => (trouble = error));
  // Not awaited: ioredis gives up on the promise at the first failure and goes on trying.
  redis.connect().catch((error: Error) => (trouble ??= error));
  for (const end = performance.now() + patienceMs; ; await sleep(25)) {
    if (redis.status === "ready") {
      try {
        await redis.ping();
        return redis;
      } catch (error) {
        trouble = error as Error;
      }
    }
    const refused = trouble && /WRONGPASS|NOAUTH|NOPERM|invalid password/i.test(trouble.message);
    if (refused || performance.now() > end) {
      redis.disconnect();
      const why = trouble?.message || "it does not answer";
      const advice = refused ? "check the password" : "check that it runs and can be reached from here";
      throw new Error(`No connection to Redis at ${address(url)}: ${why}; ${advice}.`, { cause: trouble });
    }
  }
}
