import { PrefetchBuffer } from "./prefetch.ts";
import { backoff } from "./backoff.ts";
import { ActiveItem, type ReservedItem } from "./activeItem.ts";
import { encodeDone, encodeFailed, encodeReleased, type Outcome, type OutcomeKind } from "./outcome.ts";
import { CircuitBreaker } from "./circuitBreaker.ts";
import { LeaseTable } from "./leaseTable.ts";
import type { ConsumerOptions } from "../types.ts";
import { errorText } from "../why.ts";

/** A handler that was told to stop at its time limit gets so long to do it, ms. */
const ABORT_GRACE_MS = 5_000;

/** The items in hand: each in a slot, with its handler and its time limit, until it has an end that is to be recorded. */
export class Processor {
  readonly leases: LeaseTable;
  readonly circuitBreaker = new CircuitBreaker();
  /** What was taken and not begun. */
  readonly prefetched: PrefetchBuffer;
  /** Ends that Redis does not know yet. */
  outcomes: Outcome[] = [];
  done = 0;
  failed = 0;
  readonly #options: ConsumerOptions;
  readonly #session: string;
  readonly #onOutcome: () => void;
  readonly #onLine: ((job: ActiveItem, line: string) => void) | undefined;
  /** Free slots, by their numbers. */
  readonly #freeSlots: number[];
  /** In the order of their start. */
  readonly #active = new Set<ActiveItem>();
  #suspect?: ActiveItem;

  /** @param onSettled Called whenever there is something more in `settled`. */
  constructor(options: ConsumerOptions, session: string, onSettled: () => void) {
    this.#options = options;
    this.#session = session;
    this.#onOutcome = onSettled;
    this.leases = new LeaseTable(options.concurrency);
    this.prefetched = new PrefetchBuffer(options.concurrency);
    this.#freeSlots = Array.from({ length: options.concurrency }, (_, slot) => slot);
    const { onEvent } = options;
    this.#onLine = onEvent && (({ id, bytes }, line) => onEvent({ type: "log", id, payload: bytes, line }));
  }

  /** How many items are in hand. */
  get inFlight(): number {
    return this.#active.size;
  }

  /** How many slots are free. */
  get freeSlots(): number {
    return this.#freeSlots.length;
  }

  /** Whether an item is in hand that was lost before: nothing else is begun beside it, as it may be what kills workers. */
  get hasSuspect(): boolean {
    return this.#suspect !== undefined && !this.#suspect.isSettled;
  }

  /** As many as there are free slots for are in hand from now on; {@link run} is still to be called with each. */
  startPrefetched(): ActiveItem[] {
    const jobs: ActiveItem[] = [];
    while (this.prefetched.size > 0 && this.#freeSlots.length > 0) jobs.push(this.#start(this.prefetched.shift()));
    return jobs;
  }

  #start(taken: ReservedItem): ActiveItem {
    const job = new ActiveItem(taken, this.#session, this.#freeSlots.pop()!, this.leases, this.#onLine);
    this.#active.add(job);
    if (taken.losses > 0) this.#suspect = job;
    return job;
  }

  /** Runs the handler on one item. One that answers at once costs no promise. */
  run(job: ActiveItem): void {
    const { handler, onEvent } = this.#options;
    onEvent?.({ type: "working", id: job.id, payload: job.bytes, attempt: job.attempt });
    try {
      const value = handler(job.bytes.toString(), job);
      if (value instanceof Promise || typeof (value as PromiseLike<unknown> | undefined)?.then === "function") {
        (value as Promise<unknown>).then(
          (result) => this.#succeed(job, result),
          (error: unknown) => this.#fail(job, error),
        );
      } else this.#succeed(job, value);
    } catch (error) {
      this.#fail(job, error);
    }
  }

  #succeed(job: ActiveItem, value: unknown): void {
    if (job.isSettled) return;
    if (job.timedOut) return this.#fail(job, undefined);
    const ms = performance.now() - job.startedAt;
    let line: string;
    try {
      line = encodeDone(ms, value, this.#options);
    } catch (error) {
      return this.#fail(job, error); // a result that has no JSON, like a BigInt
    }
    this.done++;
    this.circuitBreaker.onSuccess();
    this.#settle(job, { kind: "done" }, line, this.#options.keepLogs === "all" ? job.logTail : undefined);
    this.#options.onEvent?.({ type: "done", id: job.id, payload: job.bytes, ms });
  }

  #fail(job: ActiveItem, error: unknown): void {
    if (job.isSettled) return;
    const { retry, itemTimeoutMs, onEvent } = this.#options;
    const ms = performance.now() - job.startedAt;
    const reason = job.timedOut ? `timed out after ${itemTimeoutMs / 1000} s` : errorText(error);
    const failures = job.failures + 1;
    // By its name, not its class: a bundle may have two copies of it.
    const final =
      failures >= retry.maxAttempts || (!job.timedOut && (error as Error | undefined)?.name === "DoNotRetry");
    const delayMs = backoff(failures, retry.backoff);
    const kind: OutcomeKind = final ? { kind: "dead" } : { kind: "retry", delayMs };
    this.failed++;
    this.#settle(job, kind, encodeFailed(job.timedOut ? "t" : "f", ms, reason), job.logTail);
    onEvent?.({
      type: "failed",
      id: job.id,
      payload: job.bytes,
      attempt: job.attempt,
      why: reason,
      ...(!final && { retryInMs: delayMs }),
    });
    this.circuitBreaker.onFailure(job.id, reason);
  }

  #settle(job: ActiveItem, kind: OutcomeKind, line: string, log?: string): void {
    if (job.isSettled) return;
    job.isSettled = true;
    this.#active.delete(job);
    this.leases.free(job.slot);
    this.#freeSlots.push(job.slot);
    this.outcomes.push({ ...kind, id: job.id, member: job.member, line, log });
    const now = performance.now();
    this.prefetched.recordDuration(now - job.startedAt);
    if (this.prefetched.isExpired(now)) this.returnPrefetched();
    else if (this.prefetched.size > 0) this.run(this.#start(this.prefetched.shift()));
    this.#onOutcome();
  }

  /** What was taken and not begun goes back, which costs it nothing. */
  returnPrefetched(): void {
    for (const { id, exchange } of this.prefetched.drain()) {
      const member = `${id}:${this.#session}.${exchange}`;
      this.outcomes.push({ kind: "released", id, member, line: encodeReleased(0) });
    }
    this.#onOutcome();
  }

  /** What is in hand goes back, which costs it nothing; its handlers are told to stop. */
  releaseAll(): void {
    for (const job of this.#active) {
      job.abortAll(new Error("The worker is shut down"));
      this.#settle(job, { kind: "released" }, encodeReleased(performance.now() - job.startedAt));
    }
  }

  /** Leases that are gone: somebody else may have the item by now, so what comes of it here does not count. */
  onLeasesLost(members: string[]): void {
    const gone = new Set(members);
    // Settled like any other, it is found stale and changes nothing; until then its slot stays taken.
    for (const job of this.#active)
      if (gone.has(job.member)) job.abortAll(new Error("The lease of this item was lost"));
  }

  /** Tells all handlers to stop. */
  abort(error: Error): void {
    for (const job of this.#active) job.abortAll(error);
  }

  /** The event loop turns; items past their time are told to stop, and given up when they do not. */
  tick(): void {
    const { itemTimeoutMs } = this.#options;
    const now = performance.now();
    this.leases.tick(now);
    if (this.prefetched.isExpired(now)) this.returnPrefetched();
    for (const job of this.#active) {
      const over = now - job.startedAt - itemTimeoutMs;
      if (over < 0) break;
      if (!job.timedOut) {
        job.timedOut = true;
        job.abortAll(new Error(`The time limit of ${itemTimeoutMs / 1000} s is over`));
      } else if (over > Math.min(ABORT_GRACE_MS, itemTimeoutMs)) this.#fail(job, undefined);
    }
  }
}
