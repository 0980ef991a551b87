import type { Redis } from "ioredis";
import { encodeRequest, parseReply, type RawReply, type Reply, type Request } from "./ackAndReserve.ts";
import { keys } from "./keys.ts";
import { type Renewal, renewLeases, renewScript } from "./renewal.ts";
import { RedisFullError, Retrier, type RetrierOptions } from "./retrier.ts";
import { Script } from "./script.ts";
import { DISK_TIMEOUT_MS, waitAof } from "./waitAof.ts";

/** What differs from call to call. */
export type Call = Omit<
  Request,
  "session" | "pod" | "lease" | "waited" | "isResent" | "maxLosses" | "maxFailures" | "keepLogs" | "mayAbort"
> & {
  number: number;
};

/** How a session is known to Redis, and how it waits for it. */
export interface QueueSessionOptions extends Omit<RetrierOptions, "loadScripts" | "replyTimeoutMs"> {
  queue: string;
  session: string;
  pod?: string;
  leaseMs: number;
  maxLosses: number;
  maxFailures?: number | undefined;
  keepLogs?: boolean;
  mayAbort?: boolean;
}

/** A reply is waited for this share of a lease, and not longer than {@link MAX_REPLY_TIMEOUT_MS}. */
const REPLY_TIMEOUT_SHARE = 0.4;
const MAX_REPLY_TIMEOUT_MS = 10_000;

const reserveScript = new Script("ack-and-reserve");
/** For a Redis at its maxmemory: acknowledging is let through, reserving is not. */
const ackOnlyScript = new Script("ack-and-reserve", "allow-oom");
const deregisterScript = new Script("deregister");

const nothingReserved: Reply = {
  kind: "ok",
  pollMs: 1_000,
  dueMs: -1,
  heartbeatMs: 0,
  drain: false,
  stale: [],
  reserved: [],
  done: 0,
};

/**
 * A session's calls. Each is repeated with the same number until it is answered, which makes it idempotent: a lost or
 * doubled one changes nothing twice.
 */
export class QueueSession {
  readonly #redis: Redis;
  readonly #options: QueueSessionOptions;
  readonly #retrier: Retrier;

  constructor(redis: Redis, options: QueueSessionOptions) {
    this.#redis = redis;
    this.#options = options;
    const replyTimeoutMs = Math.min(MAX_REPLY_TIMEOUT_MS, options.leaseMs * REPLY_TIMEOUT_SHARE);
    this.#retrier = new Retrier(redis, { ...options, replyTimeoutMs, loadScripts: () => this.load() });
  }

  /** No call gets through. */
  get isDown(): boolean {
    return this.#retrier.waitedMs > 0;
  }

  /** Makes the scripts known. */
  async load(): Promise<void> {
    const scripts = [reserveScript, ackOnlyScript, renewScript, deregisterScript];
    await Promise.all(scripts.map((script) => script.load(this.#redis)));
  }

  /**
   * Acknowledges outcomes and reserves items.
   * @throws {RedisUnavailableError}
   */
  ackAndReserve(call: Call): Promise<Reply> {
    const { session, pod, leaseMs: lease, maxLosses, maxFailures, keepLogs, mayAbort } = this.#options;
    const common = { ...call, session, pod: pod || undefined, lease, maxLosses, maxFailures, keepLogs, mayAbort };
    let isFull = false;
    return this.#retrier.run(async (attempt) => {
      const request = { ...common, waited: this.#retrier.waitedMs, isResent: attempt > 0 };
      const sent = isFull
        ? ackOnlyScript.sendRequest(this.#redis, this.#options.queue, encodeRequest({ ...request, reserve: 0 }))
        : reserveScript.sendRequest(this.#redis, this.#options.queue, encodeRequest(request));
      try {
        return parseReply((await sent) as RawReply, call.number);
      } catch (error) {
        if (!(error as Error).message.startsWith("OOM")) throw error;
        if (call.outcomes.length > 0) isFull = true;
        // What is in flight goes on; there is just nothing new for it.
        else if (!call.exclusive && attempt === 0) return nothingReserved;
        throw new RedisFullError("it is full (maxmemory)", { cause: error });
      }
    });
  }

  /** Extends leases and takes a heartbeat. Made once: the next renewal is soon enough. */
  renew(members: string[], heartbeat: string | undefined, draining: boolean): Promise<Renewal> {
    const { queue, session, leaseMs: lease } = this.#options;
    const waited = this.#retrier.waitedMs;
    return this.#retrier.once(() =>
      renewLeases(this.#redis, queue, { session, lease, waited, heartbeat, members, draining }),
    );
  }

  /** Ends the session, if Redis can be reached at once. */
  async deregister(row: string): Promise<void> {
    const { queue, session } = this.#options;
    await this.#retrier.once(() => deregisterScript.send(this.#redis, queue, session, row));
  }

  /**
   * Ends the session of a batch that is over.
   * @returns Whether it still is, and that is on Redis's disk. All is asked on one connection: a Redis that was killed
   *   meanwhile may have forgotten the end, and would grant a wait for what it never wrote.
   */
  confirmEnd(row: string): Promise<boolean> {
    const { queue, session } = this.#options;
    return this.#retrier.run(async () => {
      const [, isOnDisk, state] = await Promise.all([
        deregisterScript.send(this.#redis, queue, session, row),
        waitAof(this.#redis),
        this.#redis.hget(keys(queue).batch, "state"),
      ]);
      if (!isOnDisk) throw new Error("its disk does not take the data");
      return state === "finished" || state === "aborted";
    }, DISK_TIMEOUT_MS + MAX_REPLY_TIMEOUT_MS);
  }
}
