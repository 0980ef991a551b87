// The calls of a worker to Redis: outcomes go out, reserved items come in.
import type { Reply } from "../redis/ackAndReserve.ts";
import type { Judgement, Outcome, Progress } from "../redis/callContent.ts";
import type { QueueSession } from "../redis/queueSession.ts";
import type { ConsumerOptions } from "../types.ts";
import type { FetchRequest } from "./callsInFlight.ts";
import type { Ending } from "./ending.ts";
import { FetchScheduler, type WorkerLoad } from "./fetchScheduler.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Processor } from "./processor.ts";
import type { Reservations } from "./reservations.ts";

/** Most acknowledgements in one call, and most bytes that they move: a script blocks Redis while it runs. */
const MAX_ACKS = 500;
const MAX_ACK_BYTES = 2 * 1024 * 1024;
/** A reply that took longer than this share of a lease came too late for what it brought. */
const LATE_SHARE = 0.6;

/** Parts of a consumer that its calls work with. */
export interface CallParts {
  reservations: Reservations;
  processor: Processor;
  heartbeat: Heartbeat;
  ending: Ending;
}

/** Listener to the calls. */
export interface CallListener {
  /** The batch was aborted. */
  onAborted(): void;
  /** Redis says that this worker is sick. */
  onSick(reason: string): void;
  /** A call failed for good. */
  onFailed(error: Error): void;
}

export class Calls {
  readonly #options: ConsumerOptions;
  readonly #parts: CallParts;
  readonly #listener: CallListener;
  readonly #scheduler: FetchScheduler;
  #queueSession!: QueueSession;
  #isScheduled = false;
  #timer?: NodeJS.Timeout;

  constructor(options: ConsumerOptions, parts: CallParts, listener: CallListener) {
    this.#options = options;
    this.#parts = parts;
    this.#listener = listener;
    this.#scheduler = new FetchScheduler(options.concurrency);
  }

  /** The connection that calls are made on. */
  use(queueSession: QueueSession): void {
    this.#queueSession = queueSession;
  }

  /** Calls Redis soon: once for all that ends in this turn of the event loop. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#call();
    });
  }

  /** Makes no call by itself any more. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #call(): void {
    const { reservations, ending } = this.#parts;
    if (this.#scheduler.calls.size === 0 && reservations.leases.isEmpty) ending.onDrained();
    if (ending.isStopped) return;
    const now = performance.now();
    const plan = this.#scheduler.plan(this.#load(now), now);
    if (!plan) return;
    if ("waitMs" in plan) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.schedule(), plan.waitMs);
    } else {
      void this.#roundTrip(plan);
    }
  }

  #load(now: number): WorkerLoad {
    const { processor, reservations, ending } = this.#parts;
    const { prefetched, leases, outcomes } = reservations;
    const { inFlight, freeSlots } = processor;
    return {
      freeSlots,
      inFlight,
      prefetched: prefetched.size,
      prefetchCapacity: prefetched.capacity,
      freeLeases: leases.free,
      unacked: outcomes.size,
      reservesNothing: processor.runsSuspect || !ending.isRunning,
      onlyLooks: processor.hasNoSlots,
      pace: processor.slowdown.pace(now),
    };
  }

  /** One call, and what follows from its reply. */
  async #roundTrip(request: FetchRequest): Promise<void> {
    const { processor, reservations, heartbeat } = this.#parts;
    const outcomes = reservations.outcomes.take(MAX_ACKS, MAX_ACK_BYTES);
    const number = this.#scheduler.calls.start(request);
    const sentAt = performance.now();
    const report = heartbeat.next(sentAt);
    if (outcomes.length > 0) processor.logFeed.sendAhead();
    try {
      const reply = await this.#queueSession.ackAndReserve({
        number,
        outcomes,
        reserve: request.count,
        exclusive: request.exclusive,
        ...processor.slowdown.report(sentAt),
        sample: request.sample,
        largest: reservations.prefetched.largest,
        heartbeat: report,
      });
      this.#scheduler.calls.finish(number);
      heartbeat.onReply(report, reply.heartbeatMs, performance.now());
      this.#onReply(reply, request, outcomes, sentAt);
    } catch (error) {
      this.#scheduler.calls.finish(number);
      if (!this.#parts.ending.isStopped) this.#listener.onFailed(error as Error);
    }
  }

  #onReply(reply: Reply, request: FetchRequest, outcomes: Outcome[], sentAt: number): void {
    const { onEvent, leaseMs } = this.#options;
    const { processor, reservations, ending } = this.#parts;
    const { kind, stale, reserved, pollMs, dueMs } = reply;
    reservations.onAcknowledged(outcomes);
    if (stale.length > 0) this.#tellStale(stale, outcomes);
    if (kind === "finished") ending.leave(kind);
    if (kind === "aborted") this.#listener.onAborted();
    const now = performance.now();
    if (reply.judgement) this.#onJudgement(reply.judgement, reply.progress);
    this.#scheduler.onReply(request, { reserved: reserved.length, pollMs, dueMs }, now);
    if (pollMs > 0 && reserved.length === 0 && processor.inFlight === 0) onEvent?.({ type: "waiting", forMs: pollMs });
    if (reservations.leases.isEmpty) reservations.leases.renewedAt = sentAt;
    reservations.accept(reserved, request.sample);
    // A reply that lay unread behind a handler that blocked: other workers may have these items by now.
    const isLate = reserved.length > 0 && now - sentAt > LATE_SHARE * leaseMs;
    if (!ending.isRunning || isLate) reservations.returnPrefetched();
    const started = processor.fillSlots();
    // Request the next items before running the handlers, so that Redis and this process work in parallel. Two calls
    // sent together stay in lockstep and lose the overlap.
    this.#call();
    processor.run(started);
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
    const reason = this.#parts.processor.slowdown.onJudgement(judgement, progress);
    if (reason !== undefined && this.#parts.ending.isRunning) this.#listener.onSick(reason);
  }
}
