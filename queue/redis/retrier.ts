import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { realError } from "./connect.ts";
import { advice, isRefusal, isTransient, RedisError } from "./errors.ts";

/** Redis stayed away for longer than the process was to wait. */
export class RedisUnavailableError extends RedisError {
  override name = "RedisUnavailableError";
}

/** Longest wait between two attempts, ms. */
const MAX_WAIT_MS = 1_000;
/** Each connection that was silent doubles the patience with the next one, up to this, ms: Redis may just be slow. */
const MAX_PATIENCE_MS = 30_000;
/** A reason that changes while Redis is away is told at most this often, ms. */
const REASON_INTERVAL_MS = 5_000;

/** Options of a {@link Retrier}. */
export interface RetrierOptions {
  /** Longest time for a reply at first, ms. A connection that is silent for longer is made anew. */
  replyTimeoutMs: number;
  /** Longest absence of Redis, ms, before a process with nothing to lose gives up. */
  maxDowntimeMs: number;
  /** True when this process may give up: it has nothing in flight, and nothing that Redis does not know. */
  mayGiveUp: () => boolean;
  /** Told when Redis goes (with the reason), when the reason changes, and when it is back. */
  onConnectionChange: (why: string | undefined) => void;
  /** Called if Redis does not know a script. */
  loadScripts: () => Promise<void>;
}

/** Repeats commands until Redis answers. */
export class Retrier {
  readonly #redis: Redis;
  readonly #options: RetrierOptions;
  #downSince?: number;
  /** Time since which Redis has given no sign of life. */
  #silentSince?: number;
  #told?: { why: string; at: number };
  /** Time since which the connection is open and does not get ready. */
  #handshakeSince: number | undefined;
  /** A connection may be silent for this long, ms. */
  #patienceMs: number;

  constructor(redis: Redis, options: RetrierOptions) {
    this.#redis = redis;
    this.#options = options;
    this.#patienceMs = options.replyTimeoutMs;
  }

  /** Time for which no command has got through, ms; 0 while they do. */
  get waitedMs(): number {
    return this.#downSince === undefined ? 0 : Math.round(performance.now() - this.#downSince);
  }

  /**
   * Does something with Redis until it works.
   * @param act Called anew for each attempt, with the number of those before it.
   * @param leastMs The connection may be silent at least this long meanwhile.
   * @throws {RedisUnavailableError} If Redis stays away for too long. Other errors if waiting would not help.
   */
  async run<T>(act: (attempt: number) => Promise<T>, leastMs = 0): Promise<T> {
    const startedAt = performance.now();
    const maxWaitMs = Math.min(MAX_WAIT_MS, this.#options.replyTimeoutMs / 4);
    for (let attempt = 0, wait = 20; ; attempt++, wait = Math.min(wait * 2, maxWaitMs)) {
      try {
        const answer = await this.#inTime(act(attempt), leastMs);
        this.#onAnswer();
        return answer;
      } catch (thrown) {
        const error = realError(this.#redis, thrown as Error);
        if (error.message.startsWith("NOSCRIPT")) await this.#options.loadScripts().catch(() => {});
        else if (isTransient(error)) this.#onFailure(error, startedAt);
        else throw error;
        await sleep(wait);
      }
    }
  }

  /** Tries something with Redis once. A failure is told to nobody, but the next call knows of it. */
  async once<T>(act: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      const answer = await this.#inTime(act());
      this.#downSince = undefined;
      return answer;
    } catch (thrown) {
      const error = realError(this.#redis, thrown as Error);
      if (error.message.startsWith("NOSCRIPT")) await this.#options.loadScripts().catch(() => {});
      else if (isTransient(error)) {
        this.#downSince ??= startedAt;
        this.#limitHandshake(performance.now());
      }
      throw error;
    }
  }

  /** The answer, or an error when the connection is silent for too long. */
  async #inTime<T>(sent: Promise<T>, leastMs = 0): Promise<T> {
    const sentAt = performance.now();
    const patienceMs = Math.max(this.#patienceMs, leastMs);
    const answer = await withReplyTimeout(this.#redis, sent, patienceMs, () => this.#beMorePatient());
    if (performance.now() - sentAt < this.#options.replyTimeoutMs) this.#patienceMs = this.#options.replyTimeoutMs;
    return answer;
  }

  #beMorePatient(): void {
    this.#patienceMs = Math.min(2 * this.#patienceMs, MAX_PATIENCE_MS);
  }

  #onAnswer(): void {
    if (this.#told) this.#options.onConnectionChange(undefined);
    this.#told = undefined;
    this.#downSince = undefined;
    this.#silentSince = undefined;
  }

  #onFailure(error: Error, startedAt: number): void {
    const { maxDowntimeMs, mayGiveUp, onConnectionChange } = this.#options;
    const now = performance.now();
    const why = error.message;
    if (!this.#told || (this.#told.why !== why && now - this.#told.at > REASON_INTERVAL_MS)) {
      this.#told = { why, at: now };
      onConnectionChange(why);
    }
    this.#downSince ??= startedAt;
    this.#limitHandshake(now);
    const isAnswer = error.name === "ReplyError";
    this.#silentSince = isAnswer ? undefined : (this.#silentSince ?? startedAt);
    if (this.#silentSince === undefined || now - this.#silentSince < maxDowntimeMs) return;
    const seconds = Math.round(maxDowntimeMs / 1000);
    // A process reads the password at its start, so the next one may get in with a new password.
    if (isRefusal(error))
      throw new RedisUnavailableError(`Redis refused the connection for ${seconds} s: ${why}; ${advice(why)}`);
    if (mayGiveUp()) throw new RedisUnavailableError(`Redis was away for ${seconds} s: ${why}`);
  }

  /** A connection that is silent from its first moment on fails each command at once, and no timeout sees it. */
  #limitHandshake(now: number): void {
    const isHandshake = (this.#redis.status as string) === "connect";
    this.#handshakeSince = isHandshake ? (this.#handshakeSince ?? now) : undefined;
    if (!isHandshake || now - this.#handshakeSince! < this.#patienceMs) return;
    this.#handshakeSince = undefined;
    this.#beMorePatient();
    this.#redis.disconnect(true);
  }
}

/**
 * The answer, or an error when none comes. A connection on which nothing moves for too long is dead, and is made anew.
 * A long reply that is still arriving is not late. Neither is a reply that lies unread because a handler blocked the
 * event loop.
 */
async function withReplyTimeout<T>(redis: Redis, sent: Promise<T>, ms: number, onSilence: () => void): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  let check: NodeJS.Immediate | undefined;
  let progress = progressOf(redis);
  const late = new Promise<never>((_, reject) => {
    const onTimeout = () => {
      // The event loop reads from its sockets before it comes to this.
      check = setImmediate(() => {
        const now = progressOf(redis);
        if (now === progress) {
          onSilence();
          redis.disconnect(true);
          reject(new Error(`no answer for ${ms / 1000} s`));
        } else {
          progress = now;
          timer = setTimeout(onTimeout, ms);
        }
      });
    };
    timer = setTimeout(onTimeout, ms);
  });
  try {
    return await Promise.race([sent, late]);
  } finally {
    clearTimeout(timer);
    clearImmediate(check);
  }
}

/** Bytes that came over the connection so far. */
function progressOf(redis: Redis): number {
  return (redis as unknown as { stream?: { bytesRead?: number } }).stream?.bytesRead ?? 0;
}
