import { randomBytes } from "node:crypto";
import type { Worker } from "node:worker_threads";
import type { Redis } from "ioredis";
import { connect } from "../redis/connect.ts";
import type { Reply } from "../redis/ackAndReserve.ts";
import { QueueSession, RedisUnavailableError } from "../redis/queueSession.ts";
import { guardExit } from "./exitGuard.ts";
import { Processor } from "./processor.ts";
import { type FetchRequest, FetchScheduler } from "./fetchScheduler.ts";
import { DISK_TIMEOUT_MS, waitAof } from "../redis/waitAof.ts";
import { startLeaseKeeper, type ToLeaseKeeper } from "./leaseKeeper.ts";
import { Script } from "../redis/script.ts";
import type { Outcome } from "./outcome.ts";
import type { ConsumerApi, ConsumerEnd, ConsumerOptions } from "../types.ts";

/** Says that a worker is gone, as it says that it is there. */
const heartbeatScript = new Script("renew");
/** More ends than this are not recorded at once: Redis does nothing else meanwhile. */
const MAX_ACKS = 500;

/**
 * Runs a handler over the queue until there is nothing left to do, ever (queue/README.md).
 *
 *     const consumer = new Consumer({ url, queue: "job2", handler, concurrency: 1, … });
 *     process.once("SIGTERM", () => consumer.stop(10_000));
 *     const end = await consumer.run();
 */
export class Consumer implements ConsumerApi {
  readonly #options: ConsumerOptions;
  readonly #session = randomBytes(6).toString("base64url").replaceAll("-", "A").replaceAll("_", "B");
  readonly #processor: Processor;
  readonly #scheduler: FetchScheduler;
  #redis!: Redis;
  #queueSession!: QueueSession;
  #leaseKeeper?: Worker;
  #isScheduled = false;
  #timer?: NodeJS.Timeout;
  #end?: ConsumerEnd;
  #completion?: { resolve: (end: ConsumerEnd) => void; reject: (error: Error) => void };
  #startedAt = 0;
  #lastHeartbeatAt = 0;
  #stopped?: Promise<void>;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#processor = new Processor(options, this.#session, () => this.#schedule());
    this.#scheduler = new FetchScheduler(options.concurrency);
  }

  /**
   * Takes and runs items until the batch is finished or aborted, this consumer is stopped or unhealthy, or Redis stays away. Until the first two of these
   * the process cannot exit with code 0.
   * @throws Error with one line where Redis refuses.
   */
  async run(): Promise<ConsumerEnd> {
    const { url, queue, onEvent, leaseMs, maxDowntimeMs: awayMs = 60_000 } = this.#options;
    const allowExit = guardExit();
    const redis = (this.#redis = await connect(url, awayMs));
    const onAway = (reason: string | undefined) =>
      onEvent?.({ type: "redis", up: reason === undefined, ...(reason && { why: reason }) });
    const { maxFailures, retry, itemTimeoutMs } = this.#options;
    const shared = { queue, session: this.#session, leaseMs, ...(maxFailures !== undefined && { maxFailures }) };
    this.#queueSession = new QueueSession(redis, { ...shared, awayMs, onAway });
    await this.#queueSession.load();
    const [[seconds], length] = await Promise.all([redis.time(), redis.llen(queue)]);
    this.#startedAt = Number(seconds) * 1000;
    const beat = setInterval(() => this.#tick(), Math.max(10, Math.min(100, itemTimeoutMs / 4)));
    this.#processor.tick();
    const renewal = { ...shared, url, retry, itemTimeoutMs, memory: this.#processor.leases.memory };
    this.#leaseKeeper = startLeaseKeeper(
      renewal,
      (gone) => this.#processor.onLeasesLost(gone),
      (error) => this.#fail(error),
    );
    onEvent?.({ type: "started", session: this.#session, empty: length === 0 });
    try {
      const over = new Promise<ConsumerEnd>((resolve, reject) => (this.#completion = { resolve, reject }));
      this.#schedule();
      const end = await over;
      const deregister = () => heartbeatScript.run(redis, queue, leaseMs, this.#session, this.#heartbeatPayload());
      if (end === "finished" || end === "aborted") {
        await this.#queueSession.retryUntilAnswered(async () => {
          await deregister(); // on this connection, so that there is something of it to wait for
          if (!(await waitAof(redis))) throw new Error("its disk does not take the data");
        }, DISK_TIMEOUT_MS + 10_000);
        allowExit();
      } else await deregister().catch(() => {});
      onEvent?.({ type: "ended", end });
      return end;
    } finally {
      clearInterval(beat);
      clearTimeout(this.#timer);
      this.#leaseKeeper.removeAllListeners();
      await this.#leaseKeeper.terminate();
      redis.disconnect();
    }
  }

  /**
   * Takes no new item, gives those in hand some time, and releases the rest, which costs them nothing.
   * @param graceMs How long, ms.
   */
  stop(graceMs: number): Promise<void> {
    this.#end ??= "stopped";
    return (this.#stopped ??= this.#drain(graceMs));
  }

  async #drain(graceMs: number): Promise<void> {
    this.#processor.returnPrefetched();
    const end = performance.now() + graceMs;
    while (this.#processor.inFlight > 0 && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 20));
    this.#processor.releaseAll();
    this.#schedule();
  }

  /** Exchanges soon: once for all that ends in this turn of the event loop. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#exchange();
    });
  }

  #exchange(): void {
    if (this.#finishIfDrained()) return;
    const { freeSlots, inFlight, hasSuspect, prefetched, circuitBreaker, outcomes } = this.#processor;
    const load = {
      freeSlots,
      inFlight,
      prefetched: prefetched.size,
      prefetchCapacity: prefetched.capacity,
      unacked: outcomes.length,
      draining: this.#end !== undefined || hasSuspect,
    };
    const plan = this.#scheduler.plan(load, performance.now());
    if (!plan) return;
    if ("waitMs" in plan) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#schedule(), plan.waitMs);
    } else {
      void this.#roundTrip(plan);
      if (circuitBreaker.isDue) void this.#checkHealth();
    }
  }

  /** One exchange, and what follows from its answer. */
  async #roundTrip(ask: FetchRequest): Promise<void> {
    const settled = this.#processor.outcomes.splice(0, MAX_ACKS);
    const number = this.#scheduler.start(ask);
    const asked = performance.now();
    try {
      const reply = await this.#queueSession.ackAndReserve({
        number,
        outcomes: settled,
        reserve: ask.count,
        exclusive: ask.exclusive,
        heartbeat: this.#heartbeatPayload() || undefined,
      });
      this.#scheduler.finish(number);
      this.#onReply(reply, ask.count, settled, asked);
    } catch (error) {
      this.#scheduler.finish(number);
      this.#fail(error as Error);
    }
  }

  #onReply(
    { kind, waitMs: wait, stale, reserved: taken }: Reply,
    want: number,
    settled: Outcome[],
    asked: number,
  ): void {
    const { onEvent, leaseMs } = this.#options;
    const hands = this.#processor;
    if (onEvent) {
      for (const member of stale) {
        const id = settled.find((one) => one.member === member)?.id ?? 0;
        onEvent({ type: "stale", id });
      }
    }
    if (kind === "finished" || kind === "aborted") this.#end ??= kind;
    this.#scheduler.onReply(want, taken.length, wait, performance.now());
    if (wait > 0 && hands.inFlight === 0 && taken.length === 0) onEvent?.({ type: "waiting", forMs: wait });
    hands.prefetched.add(taken);
    // An answer that lay unread behind a handler that blocked: others may have these items by now.
    const late = taken.length > 0 && performance.now() - asked > 0.8 * leaseMs;
    if (this.#end || late) hands.returnPrefetched();
    const jobs = hands.startPrefetched();
    // First the free slots are asked for, then the work is done: so the two lanes take turns, and Redis is busy meanwhile. Sent together, they
    // would be answered together, ever after.
    this.#exchange();
    for (const job of jobs) hands.run(job);
  }

  /** Only failures, one after the other: is it this worker, or the handler? */
  async #checkHealth(): Promise<void> {
    const unhealthy = await this.#processor.circuitBreaker
      .check(this.#redis, this.#options.queue)
      .catch(() => undefined);
    if (unhealthy === undefined || this.#end) return;
    this.#options.onEvent?.({ type: "unhealthy", reason: unhealthy });
    this.#end = "unhealthy";
    await this.#drain(0);
  }

  #tick(): void {
    this.#processor.tick();
    if (this.#leaseKeeper && performance.now() - this.#lastHeartbeatAt > 1_000) this.#heartbeatPayload();
  }

  /** What this worker says of itself, at most once a second; and always to the thread that renews. */
  #heartbeatPayload(): string {
    const now = performance.now();
    if (this.#lastHeartbeatAt > 0 && now - this.#lastHeartbeatAt < 1_000 && !this.#end) return "";
    this.#lastHeartbeatAt = now;
    const { pod, node, concurrency: slots } = this.#options;
    const { done, failed } = this.#processor;
    const row = { pod, node, slots, startedAt: this.#startedAt, done, failed, ended: this.#end !== undefined };
    const hello = JSON.stringify(row);
    this.#leaseKeeper?.postMessage({ hello } satisfies ToLeaseKeeper);
    return hello;
  }

  #fail(error: Error): void {
    this.#processor.abort(error);
    if (error instanceof RedisUnavailableError) {
      this.#options.onEvent?.({ type: "redis", up: false, why: error.message });
      this.#end = "redis-away";
      this.#completion?.resolve("redis-away");
    } else this.#completion?.reject(error);
  }

  /** Ends the run when all that was in hand is settled, and known to be. */
  #finishIfDrained(): boolean {
    if (!this.#end) return false;
    const { inFlight: size, prefetched: ahead, outcomes: settled } = this.#processor;
    const busy = size + ahead.size + settled.length + this.#scheduler.size > 0;
    if (!busy) this.#completion?.resolve(this.#end);
    return !busy;
  }
}
