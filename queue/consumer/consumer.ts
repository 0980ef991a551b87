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

/** Reports that this worker has stopped (same script as the heartbeat). */
const heartbeatScript = new Script("renew");
/** Most acknowledgements in one call: a script blocks Redis while it runs. */
const MAX_ACKS = 500;
/** How often a worker reports of itself, ms. */
const HEARTBEAT_MS = 1_000;

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
  /** `draining`: nothing more is reserved; `stopped`: the run is over. */
  #state: "running" | "draining" | "stopped" = "running";
  /** Why it is draining. */
  #end?: ConsumerEnd;
  #completion?: { resolve: (end: ConsumerEnd) => void; reject: (error: Error) => void };
  #isScheduled = false;
  #timer?: NodeJS.Timeout;
  #startedAt = 0;
  #lastHeartbeatAt = 0;
  #stopping?: Promise<void>;

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
      const completed = new Promise<ConsumerEnd>((resolve, reject) => (this.#completion = { resolve, reject }));
      this.#schedule();
      const end = await completed;
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
    this.#drain("stopped");
    return (this.#stopping ??= this.#releaseAfter(graceMs));
  }

  /** Reserves nothing more. The first reason counts. */
  #drain(end: ConsumerEnd): void {
    if (this.#state !== "running") return;
    this.#state = "draining";
    this.#end = end;
  }

  async #releaseAfter(graceMs: number): Promise<void> {
    this.#processor.returnPrefetched();
    const end = performance.now() + graceMs;
    while (this.#processor.load.inFlight > 0 && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 20));
    this.#processor.releaseAll();
    this.#schedule();
  }

  /** Calls Redis soon: once for all that ends in this turn of the event loop. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#callRedis();
    });
  }

  #callRedis(): void {
    this.#finishIfDrained();
    if (this.#state === "stopped") return;
    const load = this.#processor.load;
    load.draining ||= this.#state === "draining";
    const plan = this.#scheduler.plan(load, performance.now());
    if (!plan) return;
    if ("waitMs" in plan) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#schedule(), plan.waitMs);
    } else {
      void this.#roundTrip(plan);
      if (this.#processor.circuitBreaker.isDue) void this.#checkHealth();
    }
  }

  /** One call, and what follows from its reply. */
  async #roundTrip(request: FetchRequest): Promise<void> {
    const outcomes = this.#processor.takeOutcomes(MAX_ACKS);
    const number = this.#scheduler.start(request);
    const sentAt = performance.now();
    try {
      const reply = await this.#queueSession.ackAndReserve({
        number,
        outcomes,
        reserve: request.count,
        exclusive: request.exclusive,
        heartbeat: this.#heartbeatPayload() || undefined,
      });
      this.#scheduler.finish(number);
      this.#onReply(reply, request, outcomes, sentAt);
    } catch (error) {
      this.#scheduler.finish(number);
      this.#fail(error as Error);
    }
  }

  #onReply({ kind, waitMs, stale, reserved }: Reply, request: FetchRequest, outcomes: Outcome[], sentAt: number): void {
    const { onEvent, leaseMs } = this.#options;
    for (const member of stale) {
      onEvent?.({ type: "stale", id: outcomes.find((outcome) => outcome.member === member)?.id ?? 0 });
    }
    if (kind === "finished" || kind === "aborted") this.#drain(kind);
    const now = performance.now();
    this.#scheduler.onReply(request, reserved.length, waitMs, now);
    if (waitMs > 0 && reserved.length === 0 && this.#processor.load.inFlight === 0)
      onEvent?.({ type: "waiting", forMs: waitMs });
    this.#processor.accept(reserved);
    // A reply that lay unread behind a handler that blocked: other workers may have these items by now.
    const isLate = reserved.length > 0 && now - sentAt > 0.8 * leaseMs;
    if (this.#state !== "running" || isLate) this.#processor.returnPrefetched();
    const started = this.#processor.startAccepted();
    // Request the next items before running the handlers, so that Redis and this process work in parallel. Two calls
    // sent together stay in lockstep and lose the overlap.
    this.#callRedis();
    for (const item of started) this.#processor.run(item);
  }

  /** Only failures, one after the other: is it this worker, or the handler? */
  async #checkHealth(): Promise<void> {
    const reason = await this.#processor.circuitBreaker.check(this.#redis, this.#options.queue).catch(() => undefined);
    if (reason === undefined || this.#state !== "running") return;
    this.#options.onEvent?.({ type: "unhealthy", reason });
    this.#drain("unhealthy");
    await this.#releaseAfter(0);
  }

  #tick(): void {
    this.#processor.tick();
    if (this.#leaseKeeper && performance.now() - this.#lastHeartbeatAt > HEARTBEAT_MS) this.#heartbeatPayload();
  }

  /** What this worker reports of itself; empty when it did so a moment ago. The lease keeper gets it, too. */
  #heartbeatPayload(): string {
    const now = performance.now();
    const isRecent = this.#lastHeartbeatAt > 0 && now - this.#lastHeartbeatAt < HEARTBEAT_MS;
    if (isRecent && this.#state === "running") return "";
    this.#lastHeartbeatAt = now;
    const { pod, node, concurrency: slots } = this.#options;
    const { done, failed } = this.#processor;
    const ended = this.#state !== "running";
    const heartbeat = JSON.stringify({ pod, node, slots, startedAt: this.#startedAt, done, failed, ended });
    this.#leaseKeeper?.postMessage({ heartbeat } satisfies ToLeaseKeeper);
    return heartbeat;
  }

  #fail(error: Error): void {
    this.#processor.abortAll(error);
    this.#state = "stopped";
    if (error instanceof RedisUnavailableError) {
      this.#options.onEvent?.({ type: "redis", up: false, why: error.message });
      this.#completion?.resolve("redis-away");
    } else this.#completion?.reject(error);
  }

  /** Ends the run once everything that was in flight is acknowledged. */
  #finishIfDrained(): void {
    if (this.#state !== "draining" || !this.#processor.isIdle || this.#scheduler.inFlight > 0) return;
    this.#state = "stopped";
    this.#completion?.resolve(this.#end!);
  }
}
