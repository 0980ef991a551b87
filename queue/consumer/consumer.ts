import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { errorText, firstLine } from "../errorText.ts";
import { MAX_RESULT_BYTES } from "../limits.ts";
import { connect } from "../redis/connect.ts";
import { QueueSession } from "../redis/queueSession.ts";
import { RedisUnavailableError } from "../redis/retrier.ts";
import type { ConsumerApi, ConsumerEnd, ConsumerOptions } from "../types.ts";
import { Calls } from "./calls.ts";
import { Ending } from "./ending.ts";
import { guardExit } from "./exitGuard.ts";
import { Heartbeat } from "./heartbeat.ts";
import { LeaseRenewer } from "./leases/leaseRenewer.ts";
import { Processor } from "./processor.ts";
import { Reservations } from "./reservations.ts";
import { catchStrayErrors } from "./strayErrors.ts";

/** A process that breaks gives back what it holds within this time, ms. */
const ABANDON_MS = 2_000;
/** Redis may be away this long, ms, before an idle worker leaves. */
const MAX_DOWNTIME_MS = 60_000;

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
  readonly #reservations: Reservations;
  readonly #processor: Processor;
  readonly #heartbeat: Heartbeat;
  readonly #renewer: LeaseRenewer;
  readonly #ending = new Ending();
  readonly #calls: Calls;
  #queueSession!: QueueSession;
  #startedAt = 0;
  #stopping?: Promise<void>;
  /** Resolves when this consumer is stopped, even while it still waits for Redis at the start. */
  readonly #stopped = Promise.withResolvers<undefined>();

  constructor(options: ConsumerOptions) {
    if (options.maxResultBytes > MAX_RESULT_BYTES)
      throw new RangeError(`Expected maxResultBytes to be at most ${MAX_RESULT_BYTES}, got ${options.maxResultBytes}.`);
    this.#options = options;
    const reservations = new Reservations(this.#session, options.concurrency, () => this.#calls.schedule());
    this.#reservations = reservations;
    this.#processor = new Processor(options, reservations, (items) => this.#queueSession.noteBegun(items));
    this.#heartbeat = new Heartbeat(() => this.#report());
    const parts = { reservations, processor: this.#processor, heartbeat: this.#heartbeat, ending: this.#ending };
    this.#calls = new Calls(options, parts, {
      onAborted: () => this.#abort(),
      onSick: (reason) => this.#onSick(reason),
      onFailed: (error) => this.#onCallFailed(error),
    });
    this.#renewer = new LeaseRenewer(
      reservations.leases,
      this.#session,
      options.leaseMs,
      this.#heartbeat,
      (gone, state) => {
        this.#processor.onLeasesLost(gone);
        if (state === "aborted") this.#abort();
      },
    );
  }

  /**
   * Reserves and runs items until the batch is finished or aborted, this consumer is stopped or unhealthy, or Redis
   * stays away. Until then the process cannot exit with code 0. After `finished` and `aborted` it should.
   * @throws Error with one line if Redis refuses, or if this process broke.
   */
  async run(): Promise<ConsumerEnd> {
    const { url, tls, leaseMs, maxDowntimeMs = MAX_DOWNTIME_MS, onEvent } = this.#options;
    const allowExit = guardExit();
    const connecting = connect(url, maxDowntimeMs, tls, Math.min(1_000, leaseMs * 0.1));
    const atEnd: (() => unknown)[] = [() => this.#calls.end()];
    try {
      const redis = await this.#unlessStopped(connecting);
      if (!redis) return this.#ended("stopped");
      this.#queueSession = this.#sessionOn(redis, maxDowntimeMs);
      this.#calls.use(this.#queueSession);
      const start = await this.#unlessStopped(this.#queueSession.start());
      if (!start) return this.#ended("stopped");
      this.#startedAt = start.startedAt;
      atEnd.push(...this.#begin(redis));
      onEvent?.({ type: "started", session: this.#session, empty: start.waiting === 0 });
      return this.#ended(await this.#untilOver());
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      onEvent?.({ type: "redis", up: false, why: error.message });
      return this.#ended("redis-away");
    } finally {
      for (const act of atEnd) await act();
      allowExit();
      // The connection may be made only after the end.
      connecting.then(
        (redis) => redis.disconnect(),
        () => {},
      );
    }
  }

  /** Waits for a promise; undefined if this worker is told to stop first. */
  #unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    return Promise.race([work, this.#stopped.promise]);
  }

  #ended(end: ConsumerEnd): ConsumerEnd {
    this.#options.onEvent?.({ type: "ended", end });
    return end;
  }

  #sessionOn(redis: Redis, maxDowntimeMs: number): QueueSession {
    const { keepLogs, abortWhenNothingSucceeds = true, onEvent } = this.#options;
    return new QueueSession(redis, {
      ...this.#options,
      session: this.#session,
      keepLogs: keepLogs === "all",
      mayAbort: abortWhenNothingSucceeds,
      maxDowntimeMs,
      mayGiveUp: () => this.#reservations.leases.isEmpty || (!this.#ending.isRunning && this.#processor.inFlight === 0),
      onConnectionChange: (why) => onEvent?.({ type: "redis", up: why === undefined, ...(why && { why }) }),
    });
  }

  /** Begins to work. @returns A function to call at the end. */
  #begin(redis: Redis): (() => unknown)[] {
    const { logFeed } = this.#processor;
    logFeed.start(redis);
    const ticks = setInterval(() => this.#tick(), Math.max(10, Math.min(100, this.#options.itemTimeoutMs / 4)));
    const stopCatching = catchStrayErrors((error) => this.#onUnownedError(error));
    return [stopCatching, () => clearInterval(ticks), () => logFeed.flush()];
  }

  async #untilOver(): Promise<ConsumerEnd> {
    for (;;) {
      const ended = this.#ending.wait();
      this.#calls.schedule();
      const end = await ended;
      this.#processor.logFeed.sendAhead(true);
      if (end !== "finished" && end !== "aborted") {
        await this.#queueSession.deregister(this.#report()).catch(() => {});
        return end;
      }
      if (await this.#queueSession.confirmEnd(this.#report())) return end;
      if (this.#stopping) return "stopped";
      // Redis has forgotten the end, or somebody added items: there is more to do.
      this.#ending.undo();
      this.#heartbeat.reset();
    }
  }

  /**
   * Reserves nothing more, gives what is in flight some time, and releases the rest, which costs those items nothing.
   * @param graceMs How long, ms.
   */
  stop(graceMs: number): Promise<void> {
    this.#ending.leave("stopped");
    this.#stopped.resolve(undefined);
    return (this.#stopping ??= this.#releaseAfter(graceMs));
  }

  /** The batch was aborted: items in flight are of no use any more. */
  #abort(): void {
    this.#ending.leave("aborted");
    this.#processor.releaseAll("The batch was aborted");
  }

  async #releaseAfter(graceMs: number): Promise<void> {
    this.#reservations.returnPrefetched();
    const end = performance.now() + graceMs;
    while (this.#processor.inFlight > 0 && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 20));
    this.#processor.releaseAll("The worker is shut down");
    this.#calls.schedule();
  }

  #onSick(reason: string): void {
    this.#options.onEvent?.({ type: "unhealthy", reason });
    this.#ending.leave("unhealthy");
    void this.#releaseAfter(0);
  }

  #tick(): void {
    const now = performance.now();
    this.#processor.tick(now);
    // A worker at its end sends no heartbeats: they would wait behind Redis's disk, and be taken for a dead connection.
    if (!this.#ending.isStopped) void this.#renewer.tick(this.#queueSession, now);
    if (this.#options.readySlots) this.#calls.schedule(); // there may be more of them
  }

  /** This worker's report of itself. */
  #report(): string {
    const { pod, node, concurrency: slots } = this.#options;
    const { done, failed } = this.#processor;
    return JSON.stringify({ pod, node, slots, startedAt: this.#startedAt, done, failed });
  }

  #onCallFailed(error: Error): void {
    const isAway = error instanceof RedisUnavailableError;
    this.#ending.end(isAway ? "redis-away" : error);
    this.#processor.releaseAll(error.message);
    if (isAway) this.#options.onEvent?.({ type: "redis", up: false, why: error.message });
  }

  #onUnownedError(error: unknown): void {
    this.#processor.onUnownedError(error);
    this.#abandon(new Error(`An error outside of any item: ${firstLine(errorText(error))}`, { cause: error }));
  }

  /** This process is broken: gives back what it holds, if that can be done soon, and ends. */
  #abandon(error: Error): void {
    if (!this.#ending.break(error)) return;
    this.#processor.releaseAll(error.message);
    this.#calls.schedule();
    setTimeout(() => this.#ending.end(error), ABANDON_MS).unref();
  }
}
