import { randomBytes } from "node:crypto";
import type { Reply } from "../redis/ackAndReserve.ts";
import type { Judgement, Outcome, Progress } from "../redis/exchange.ts";
import { connect } from "../redis/connect.ts";
import { QueueSession } from "../redis/queueSession.ts";
import { RedisUnavailableError } from "../redis/retrier.ts";
import { errorText, firstLine } from "../errorText.ts";
import { MAX_RESULT_BYTES } from "../limits.ts";
import type { ConsumerApi, ConsumerEnd, ConsumerOptions } from "../types.ts";
import { guardExit } from "./exitGuard.ts";
import { type FetchRequest, FetchScheduler } from "./fetchScheduler.ts";
import { Heartbeat } from "./heartbeat.ts";
import { LeaseRenewer } from "./leases/leaseRenewer.ts";
import { Processor } from "./processor.ts";
import { catchStrayErrors } from "./strayErrors.ts";

/** Most acknowledgements in one call, and most bytes that they move: a script blocks Redis while it runs. */
const MAX_ACKS = 500;
const MAX_ACK_BYTES = 2 * 1024 * 1024;
/** A reply that took longer than this share of a lease came too late for what it brought. */
const LATE_SHARE = 0.6;
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
  readonly #processor: Processor;
  readonly #scheduler: FetchScheduler;
  readonly #heartbeat: Heartbeat;
  readonly #renewer: LeaseRenewer;
  #queueSession!: QueueSession;
  /** `leaving`: nothing more is reserved; `stopped`: nothing more is in flight. */
  #state: "running" | "leaving" | "stopped" = "running";
  /** Reason why it is leaving. */
  #end?: ConsumerEnd;
  /** The error that broke this process. */
  #failure?: Error;
  /** Nothing is reserved until nothing is in flight, because a suspect waits. */
  #drains = false;
  #completion?: { resolve: (end: ConsumerEnd) => void; reject: (error: Error) => void };
  #isScheduled = false;
  #timer?: NodeJS.Timeout;
  #startedAt = 0;
  #stopping?: Promise<void>;
  /** It was told to stop: what waits for Redis at the start waits no longer. */
  readonly #stopped = Promise.withResolvers<undefined>();

  constructor(options: ConsumerOptions) {
    if (options.maxResultBytes > MAX_RESULT_BYTES)
      throw new RangeError(`Expected maxResultBytes to be at most ${MAX_RESULT_BYTES}, got ${options.maxResultBytes}.`);
    this.#options = options;
    this.#processor = new Processor(
      options,
      this.#session,
      () => this.#schedule(),
      (items) => this.#queueSession.markBegun(items),
    );
    this.#scheduler = new FetchScheduler(options.concurrency);
    this.#heartbeat = new Heartbeat(() => this.#row());
    const { leases } = this.#processor;
    this.#renewer = new LeaseRenewer(leases, this.#session, options.leaseMs, this.#heartbeat, (gone, state) => {
      this.#processor.onLeasesLost(gone);
      if (state === "aborted") this.#abort();
    });
  }

  /**
   * Reserves and runs items until the batch is finished or aborted, this consumer is stopped or unhealthy, or Redis
   * stays away. Until then the process cannot exit with code 0; only after the first two it should.
   * @throws Error with one line where Redis refuses, or where this process broke.
   */
  async run(): Promise<ConsumerEnd> {
    const { url, tls, leaseMs, itemTimeoutMs, onEvent, maxDowntimeMs = MAX_DOWNTIME_MS } = this.#options;
    const allowExit = guardExit();
    const ended = (end: ConsumerEnd) => {
      onEvent?.({ type: "ended", end });
      return end;
    };
    const connecting = connect(url, maxDowntimeMs, tls, Math.min(1_000, leaseMs * 0.1));
    const atEnd: (() => unknown)[] = [allowExit, () => clearTimeout(this.#timer)];
    try {
      const redis = await Promise.race([connecting, this.#stopped.promise]);
      if (!redis) return ended("stopped");
      this.#queueSession = new QueueSession(redis, {
        ...this.#options,
        session: this.#session,
        keepLogs: this.#options.keepLogs === "all",
        mayAbort: this.#options.abortWhenNothingSucceeds ?? true,
        maxDowntimeMs,
        mayGiveUp: () => this.#processor.leases.isEmpty,
        onConnectionChange: (why) => onEvent?.({ type: "redis", up: why === undefined, ...(why && { why }) }),
      });
      const start = await Promise.race([this.#queueSession.start(), this.#stopped.promise]);
      if (!start) return ended("stopped");
      this.#startedAt = start.startedAt;
      this.#processor.logFeed.start(redis);
      const ticks = setInterval(() => this.#tick(), Math.max(10, Math.min(100, itemTimeoutMs / 4)));
      atEnd.push(catchStrayErrors((error) => this.#onUnownedError(error)));
      atEnd.push(() => clearInterval(ticks));
      atEnd.push(() => this.#processor.logFeed.flush());
      onEvent?.({ type: "started", session: this.#session, empty: start.waiting === 0 });
      return ended(await this.#untilOver());
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) throw error;
      onEvent?.({ type: "redis", up: false, why: error.message });
      return ended("redis-away");
    } finally {
      for (const act of atEnd) await act();
      // Also one that is only made after the end.
      connecting.then(
        (redis) => redis.disconnect(),
        () => {},
      );
    }
  }

  async #untilOver(): Promise<ConsumerEnd> {
    for (;;) {
      const completed = new Promise<ConsumerEnd>((resolve, reject) => (this.#completion = { resolve, reject }));
      this.#schedule();
      const end = await completed;
      if (end !== "finished" && end !== "aborted") {
        await this.#queueSession.deregister(this.#row()).catch(() => {});
        return end;
      }
      if (await this.#queueSession.confirmEnd(this.#row())) return end;
      if (this.#stopping) return "stopped";
      // Redis has forgotten the end, or somebody added items: there is more to do.
      this.#state = "running";
      this.#end = undefined;
      this.#heartbeat.reset();
    }
  }

  /**
   * Reserves nothing more, gives what is in flight some time, and releases the rest, which costs those items nothing.
   * @param graceMs How long, ms.
   */
  stop(graceMs: number): Promise<void> {
    this.#leave("stopped");
    this.#stopped.resolve(undefined);
    return (this.#stopping ??= this.#releaseAfter(graceMs));
  }

  /** Reserves nothing more. The first reason counts. */
  #leave(end: ConsumerEnd): void {
    if (this.#state !== "running") return;
    this.#state = "leaving";
    this.#end = end;
  }

  /** The batch was ended: what is in flight is of no use any more. */
  #abort(): void {
    this.#leave("aborted");
    this.#processor.releaseAll("The batch was aborted");
  }

  async #releaseAfter(graceMs: number): Promise<void> {
    this.#processor.returnPrefetched();
    const end = performance.now() + graceMs;
    while (this.#processor.inFlight > 0 && performance.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 20));
    this.#processor.releaseAll("The worker is shut down");
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
    const now = performance.now();
    const load = this.#processor.load(now);
    const isBusy = load.inFlight + load.prefetched > 0;
    load.reservesNothing ||= this.#state === "leaving" || (this.#drains && isBusy);
    const plan = this.#scheduler.plan(load, now);
    if (!plan) return;
    if ("waitMs" in plan) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#schedule(), plan.waitMs);
    } else {
      void this.#roundTrip(plan);
    }
  }

  /** One call, and what follows from its reply. */
  async #roundTrip(request: FetchRequest): Promise<void> {
    const outcomes = this.#processor.takeOutcomes(MAX_ACKS, MAX_ACK_BYTES);
    const number = this.#scheduler.start(request);
    const sentAt = performance.now();
    const heartbeat = this.#heartbeat.next(sentAt);
    try {
      const reply = await this.#queueSession.ackAndReserve({
        number,
        outcomes,
        reserve: request.count,
        exclusive: request.exclusive,
        ...this.#processor.slowdown.report(sentAt),
        sample: request.sample,
        draining: this.#drains,
        largest: this.#processor.largest,
        heartbeat,
      });
      this.#scheduler.finish(number);
      this.#heartbeat.onReply(heartbeat, reply.heartbeatMs, performance.now());
      this.#onReply(reply, request, outcomes, sentAt);
    } catch (error) {
      this.#scheduler.finish(number);
      this.#onCallFailed(error as Error);
    }
  }

  #onReply(reply: Reply, request: FetchRequest, outcomes: Outcome[], sentAt: number): void {
    const { onEvent, leaseMs } = this.#options;
    const { kind, stale, reserved, pollMs, dueMs } = reply;
    const processor = this.#processor;
    processor.onAcknowledged(outcomes);
    if (stale.length > 0) this.#tellStale(stale, outcomes);
    if (kind === "finished") this.#leave(kind);
    if (kind === "aborted") this.#abort();
    const now = performance.now();
    if (reply.judgement) this.#onJudgement(reply.judgement, reply.progress);
    this.#drains = reply.drain;
    this.#scheduler.onReply(request, { reserved: reserved.length, pollMs: reply.drain ? 0 : pollMs, dueMs }, now);
    if (pollMs > 0 && reserved.length === 0 && processor.inFlight === 0) onEvent?.({ type: "waiting", forMs: pollMs });
    if (processor.leases.isEmpty) processor.leases.renewedAt = sentAt;
    processor.accept(reserved, request.sample);
    // A reply that lay unread behind a handler that blocked: other workers may have these items by now.
    const isLate = reserved.length > 0 && now - sentAt > LATE_SHARE * leaseMs;
    if (this.#state !== "running" || isLate) processor.returnPrefetched();
    const started = processor.startAccepted();
    // Request the next items before running the handlers, so that Redis and this process work in parallel. Two calls
    // sent together stay in lockstep and lose the overlap.
    this.#callRedis();
    void processor.run(started);
  }

  #tellStale(stale: string[], outcomes: Outcome[]): void {
    const byMember = new Map(outcomes.map((outcome) => [outcome.member, outcome]));
    for (const member of stale) {
      const outcome = byMember.get(member);
      // An item that was given back may be another worker's already.
      if (outcome && outcome.kind !== "released") this.#options.onEvent?.({ type: "stale", id: outcome.id });
    }
  }

  /** Redis's judgement on the failures here. */
  #onJudgement(judgement: Judgement, progress: Progress): void {
    const reason = this.#processor.slowdown.onJudgement(judgement, progress);
    if (reason === undefined || this.#state !== "running") return;
    this.#options.onEvent?.({ type: "unhealthy", reason });
    this.#leave("unhealthy");
    void this.#releaseAfter(0);
  }

  #tick(): void {
    const now = performance.now();
    this.#processor.tick(now);
    // A worker at its end sends no heartbeats: they would wait behind Redis's disk, and be taken for a dead connection.
    if (this.#state !== "stopped") void this.#renewer.tick(this.#queueSession, now, this.#drains);
    if (this.#options.readySlots) this.#schedule(); // there may be more of them
  }

  /** This worker's report of itself. */
  #row(): string {
    const { pod, node, concurrency: slots } = this.#options;
    const { done, failed } = this.#processor;
    return JSON.stringify({ pod, node, slots, startedAt: this.#startedAt, done, failed });
  }

  #onCallFailed(error: Error): void {
    if (this.#state === "stopped") return;
    this.#state = "stopped";
    this.#processor.releaseAll(error.message);
    if (error instanceof RedisUnavailableError) {
      this.#options.onEvent?.({ type: "redis", up: false, why: error.message });
      this.#completion?.resolve("redis-away");
    } else this.#completion?.reject(error);
  }

  #onUnownedError(error: unknown): void {
    this.#processor.onUnownedError(error);
    this.#abandon(new Error(`An error outside of any item: ${firstLine(errorText(error))}`, { cause: error }));
  }

  /** This process is broken: gives back what it holds, if that can be done soon, and ends. */
  #abandon(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#leave("stopped");
    this.#processor.releaseAll(error.message);
    this.#schedule();
    setTimeout(() => this.#completion?.reject(error), ABANDON_MS).unref();
  }

  /** Ends the run once everything that was in flight is acknowledged. */
  #finishIfDrained(): void {
    if (
      !this.#completion ||
      this.#state !== "leaving" ||
      this.#scheduler.inFlight > 0 ||
      !this.#processor.leases.isEmpty
    )
      return;
    this.#state = "stopped";
    if (this.#failure) this.#completion?.reject(this.#failure);
    else this.#completion?.resolve(this.#end!);
  }
}
