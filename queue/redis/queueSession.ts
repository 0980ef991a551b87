import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { isTransient } from "./connect.ts";
import type { ReservedItem } from "../consumer/activeItem.ts";
import { Script } from "./script.ts";
import type { Outcome } from "../consumer/outcome.ts";

/** What an exchange answers. */
export interface Reply {
  /** `old`: a later exchange was first, nothing was done. */
  kind: "ok" | "again" | "old" | "finished" | "aborted";
  /** Nothing was taken; how long until there is something to do, ms. */
  wait: number;
  /** Members of what was settled too late: the lease was lost before. */
  stale: string[];
  reserved: ReservedItem[];
}

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
  readonly #maxFailures: number | "";
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
    this.#maxFailures = options.maxFailures ?? "";
    this.#maxDowntimeMs = options.awayMs;
    this.#onConnectionChange = options.onAway;
  }

  /** Makes the scripts known. */
  async load(): Promise<void> {
    await script.load(this.#redis);
    await ackOnly.load(this.#redis);
  }

  /**
   * One exchange.
   * @param number Higher than that of any earlier one of the same parity.
   * @param want How many items to take.
   * @param idle Nothing else is in hand.
   * @param hello What the worker says of itself, JSON, or empty.
   * @throws {RedisUnavailableError}
   */
  async ackAndReserve(number: number, want: number, idle: boolean, settled: Outcome[], hello: string): Promise<Reply> {
    const args = (want: number) => {
      const done: (string | number)[] = [];
      const rest: (string | number)[] = [];
      for (const { id, member, line, again, log } of settled) {
        if (again === undefined) done.push(id, member, line);
        else rest.push(id, member, line, again, log ?? "");
        if (again === undefined && log) rest.push(id, "", "", "kept", log);
      }
      const head = [this.#session, number, want, idle ? 1 : 0, this.#leaseMs, this.#maxFailures, hello];
      return [...head, done.length / 3, ...done, ...rest];
    };
    let full = false;
    let tried = false;
    return this.retryUntilAnswered(async () => {
      const sent = full
        ? ackOnly.sendForBytes(this.#redis, this.#queue, args(0))
        : script.sendForBytes(this.#redis, this.#queue, args(want));
      const again = tried;
      tried = true;
      try {
        return parse((await sent) as RawReply, number);
      } catch (error) {
        if (!(error as Error).message.startsWith("OOM")) throw error;
        if (settled.length > 0) full = true;
        // What is in hand goes on; there is just nothing new for it.
        else if (!idle && !again) return { kind: "ok", wait: 1_000, stale: [], reserved: [] };
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

type RawReply = [kind: Buffer, wait: number, now: unknown, stale: Buffer, first: number, fresh: Buffer[], ...Buffer[]];

function parse([kind, wait, , stale, first, fresh, ...again]: RawReply, exchange: number): Reply {
  const taken: ReservedItem[] = fresh.map((payload, index) => ({
    id: first + index,
    payload,
    failures: 0,
    losses: 0,
    exchange,
  }));
  for (let at = 0; at < again.length; at += 4) {
    const [id, failures, losses, payload] = again.slice(at, at + 4) as [Buffer, unknown, unknown, Buffer];
    taken.push({ id: Number(id), payload, failures: Number(failures), losses: Number(losses), exchange });
  }
  const members = stale.toString();
  return {
    kind: kind.toString() as Reply["kind"],
    wait,
    stale: members === "-" ? [] : members.split(","),
    reserved: taken,
  };
}
