import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { isTransient } from "./connect.ts";
import { encodeRequest, parseReply, type RawReply, type Reply, type Request } from "./ackAndReserve.ts";
import { Script } from "./script.ts";

/** What differs from call to call. */
export type Call = Pick<Request, "number" | "outcomes" | "reserve" | "exclusive" | "heartbeat">;

/** Redis stayed away for longer than the process was to wait. */
export class RedisUnavailableError extends Error {
  override name = "RedisAway";
}

/** A command that is not answered for so long is asked again on a new connection, ms. */
const REPLY_TIMEOUT_MS = 10_000;

const script = new Script("ack-and-reserve");
/** For a Redis at its maxmemory: settling is let through, taking is not. */
const ackOnly = new Script("ack-and-reserve", "allow-oom");

/** The exchanges of one session: each is said until it is answered, under one number, so that a lost or doubled one changes nothing twice. */
export class QueueSession {
  readonly #redis: Redis;
  readonly #queue: string;
  readonly #session: string;
  readonly #leaseMs: number;
  readonly #maxFailures: number | undefined;
  readonly #maxDowntimeMs: number;
  readonly #onConnectionChange: (why: string | undefined) => void;
  #downSince?: number;

  constructor(
    redis: Redis,
    options: {
      queue: string;
      session: string;
      leaseMs: number;
      maxFailures?: number;
      awayMs: number;
      /** Told when Redis goes (with the reason) and when it is back. */
      onAway: (why: string | undefined) => void;
    },
  ) {
    this.#redis = redis;
    this.#queue = options.queue;
    this.#session = options.session;
    this.#leaseMs = options.leaseMs;
    this.#maxFailures = options.maxFailures;
    this.#maxDowntimeMs = options.awayMs;
    this.#onConnectionChange = options.onAway;
  }

  /** Makes the scripts known. */
  async load(): Promise<void> {
    await script.load(this.#redis);
    await ackOnly.load(this.#redis);
  }

  /**
   * Acknowledges outcomes and reserves items.
   * @throws {RedisUnavailableError}
   */
  async ackAndReserve(call: Call): Promise<Reply> {
    const request = { ...call, session: this.#session, leaseMs: this.#leaseMs, maxFailures: this.#maxFailures };
    let isFull = false;
    let wasTried = false;
    return this.retryUntilAnswered(async () => {
      const sent = isFull
        ? ackOnly.sendRequest(this.#redis, this.#queue, encodeRequest({ ...request, reserve: 0 }))
        : script.sendRequest(this.#redis, this.#queue, encodeRequest(request));
      const isRetry = wasTried;
      wasTried = true;
      try {
        return parseReply((await sent) as RawReply, call.number);
      } catch (error) {
        if (!(error as Error).message.startsWith("OOM")) throw error;
        if (call.outcomes.length > 0) isFull = true;
        // What is in hand goes on; there is just nothing new for it.
        else if (!call.exclusive && !isRetry) return { kind: "ok", waitMs: 1_000, stale: [], reserved: [] };
        throw new Error("it is full (maxmemory)", { cause: error });
      }
    });
  }

  /**
   * Does something with Redis until it works.
   * @param answerMs How long an answer may take, ms.
   * @throws {RedisUnavailableError} It did not for too long. Any other error that waiting does not help.
   */
  async retryUntilAnswered<T>(act: () => Promise<T>, answerMs = REPLY_TIMEOUT_MS): Promise<T> {
    for (let wait = 20; ; wait = Math.min(wait * 2, 1_000)) {
      try {
        const answer = await this.#withTimeout(act(), answerMs);
        if (this.#downSince !== undefined) this.#onConnectionChange(undefined);
        this.#downSince = undefined;
        return answer;
      } catch (error) {
        if ((error as Error).message.startsWith("NOSCRIPT")) await this.load().catch(() => {});
        else if (!isTransient(error)) throw error;
        else this.#onUnreachable((error as Error).message);
        await sleep(wait);
      }
    }
  }

  /** The answer, or an error when none comes: a connection that is dead without a word is made anew. */
  async #withTimeout<T>(sent: Promise<T>, ms: number): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#redis.disconnect(true);
        reject(new Error(`no answer for ${ms / 1000} s`));
      }, ms);
    });
    try {
      return await Promise.race([sent, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #onUnreachable(why: string): void {
    if (this.#downSince === undefined) this.#onConnectionChange(why);
    this.#downSince ??= performance.now();
    const seconds = Math.round(this.#maxDowntimeMs / 1000);
    if (performance.now() - this.#downSince > this.#maxDowntimeMs)
      throw new RedisUnavailableError(`Redis was away for ${seconds} s: ${why}`);
  }
}
