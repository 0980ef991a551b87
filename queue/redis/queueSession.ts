import type { Redis } from "ioredis";
import { encodeRequest, parseReply, type RawReply, type Reply, type Request } from "./ackAndReserve.ts";
import { keys } from "./keys.ts";
import { type Renewal, type RenewalRequest, renewLeases, renewScript } from "./renewal.ts";
import { Retrier, type RetrierOptions } from "./retrier.ts";
import { Script } from "./script.ts";
import { DISK_TIMEOUT_MS, waitAof } from "./waitAof.ts";

/** The part of a request that differs from call to call. */
export type Call = Omit<
  Request,
  "session" | "pod" | "lease" | "waited" | "isResent" | "maxLosses" | "maxFailures" | "keepLogs" | "mayAbort"
> & {
  number: number;
};

/** Name of a session at Redis, and its patience. */
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

/** A full Redis is asked this often, ms. */
const FULL_POLL_MS = 1_000;
/**
 * After this many answers that an end is not on Redis's disk, each after half a minute, the end is believed all the
 * same.
 */
const MAX_DISK_WAITS = 2;

/**
 * A session's calls. Each is repeated with the same number until it is answered, which makes it idempotent: a lost or
 * doubled one changes nothing twice.
 */
export class QueueSession {
  readonly #redis: Redis;
  readonly #options: QueueSessionOptions;
  readonly #retrier: Retrier;
  #isFull = false;

  constructor(redis: Redis, options: QueueSessionOptions) {
    this.#redis = redis;
    this.#options = options;
    const replyTimeoutMs = Math.min(MAX_REPLY_TIMEOUT_MS, options.leaseMs * REPLY_TIMEOUT_SHARE);
    this.#retrier = new Retrier(redis, { ...options, replyTimeoutMs, loadScripts: () => this.load() });
  }

  /**
   * Begins the session.
   * @returns The time, ms by Redis, and the number of waiting items.
   */
  start(): Promise<{ startedAt: number; waiting: number }> {
    return this.#retrier.run(async () => {
      await this.load();
      const [[seconds], waiting] = await Promise.all([this.#redis.time(), this.#redis.llen(this.#options.queue)]);
      return { startedAt: Number(seconds) * 1000, waiting };
    });
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
    return this.#retrier.run(async (attempt) => {
      const request = { ...common, waited: this.#retrier.waitedMs, isResent: attempt > 0 };
      const send = async (script: Script, what: Request) =>
        parseReply(
          (await script.sendRequest(this.#redis, this.#options.queue, encodeRequest(what))) as RawReply,
          call.number,
        );
      try {
        const reply = await send(reserveScript, request);
        if (call.reserve > 0) this.#setFull(false);
        return reply;
      } catch (error) {
        if (!(error as Error).message.startsWith("OOM")) throw error;
        this.#setFull(true);
        // Items in flight go on, and an end is seen. Only nothing new is reserved.
        const reply = await send(ackOnlyScript, { ...request, reserve: 0 });
        return { ...reply, pollMs: Math.max(reply.pollMs, FULL_POLL_MS), dueMs: -1 };
      }
    });
  }

  /** Redis is at its maxmemory, or no longer. */
  #setFull(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.#options.onConnectionChange(isFull ? "it is full (maxmemory)" : undefined);
  }

  /**
   * Notes in their leases that items were begun: only then is it a loss when one runs out. If this call is lost, the
   * next renewal notes the same. It never sets a deadline later than `deadline`, so a call that was stuck undoes
   * nothing.
   */
  async noteBegun(begun: { member: string; deadline: number }[]): Promise<void> {
    const { leases } = keys(this.#options.queue);
    const scores = begun.flatMap(({ member, deadline }) => [`${deadline}.5`, member]);
    await this.#retrier.once(() => this.#redis.call("ZADD", leases, "XX", "GT", ...scores)).catch(() => {});
  }

  /** Extends leases and takes a heartbeat. Made once: the next renewal is soon enough. */
  renew(held: Pick<RenewalRequest, "members" | "unbegun">, heartbeat: string | undefined): Promise<Renewal> {
    const { queue, session, leaseMs: lease } = this.#options;
    const waited = this.#retrier.waitedMs;
    return this.#retrier.once(() => renewLeases(this.#redis, queue, { session, lease, waited, heartbeat, ...held }));
  }

  /** Ends the session, if Redis can be reached at once. */
  async deregister(report: string): Promise<void> {
    const { queue, session } = this.#options;
    await this.#retrier.once(() => deregisterScript.send(this.#redis, queue, session, report));
  }

  /**
   * Ends the session of a batch that is over.
   * @returns Whether the batch is still over, and this end is on Redis's disk. All calls use one connection. A Redis
   *   that was killed in between may have forgotten the end, and would confirm a disk on which the end never was.
   */
  confirmEnd(report: string): Promise<boolean> {
    const { queue, session } = this.#options;
    let waits = 0;
    return this.#retrier.run(async () => {
      const [, isOnDisk, state] = await Promise.all([
        deregisterScript.send(this.#redis, queue, session, report),
        waitAof(this.#redis),
        this.#redis.hget(keys(queue).batch, "state"),
      ]);
      // After its clock went back, Redis may not write to its disk for as long as the clock went back.
      if (!isOnDisk && ++waits < MAX_DISK_WAITS) throw new Error("its disk does not take the data");
      return state === "finished" || state === "aborted";
    }, DISK_TIMEOUT_MS + MAX_REPLY_TIMEOUT_MS);
  }
}
