import { Ahead } from "./prefetch.ts";
import { backoff } from "./backoff.ts";
import { Job, type Taken } from "./activeItem.ts";
import { type Settled, doneLine, failedLine } from "./outcome.ts";
import { SickLeave } from "./circuitBreaker.ts";
import { Slots } from "./leaseTable.ts";
import type { ConsumerEvent, ConsumerOptions } from "../types.ts";
import { why } from "../why.ts";

/** A handler that was told to stop at its time limit gets so long to do it, ms. */
const ABORT_GRACE_MS = 5_000;

/** The items in hand: each in a slot, with its handler and its time limit, until it has an end that is to be recorded. */
export class Hands {
  readonly slots: Slots;
  readonly sick = new SickLeave();
  /** What was taken and not begun. */
  readonly ahead: Ahead;
  /** Ends that Redis does not know yet. */
  settled: Settled[] = [];
  done = 0;
  failed = 0;
  readonly #options: ConsumerOptions;
  readonly #session: string;
  readonly #onSettled: () => void;
  readonly #onLine: ((job: Job, line: string) => void) | undefined;
  /** Free slots, by their numbers. */
  readonly #free: number[];
  /** In the order of their start. */
  readonly #inHand = new Set<Job>();
  #suspect?: Job;

  /** @param onSettled Called whenever there is something more in `settled`. */
  constructor(options: ConsumerOptions, session: string, onSettled: () => void) {
    this.#options = options;
    this.#session = session;
    this.#onSettled = onSettled;
    this.slots = new Slots(options.concurrency);
    this.ahead = new Ahead(options.concurrency);
    this.#free = Array.from({ length: options.concurrency }, (_, slot) => slot);
    const { onEvent } = options;
    this.#onLine = onEvent && (({ id, bytes }, line) => onEvent({ type: "log", id, payload: bytes, line }));
  }

  /** How many items are in hand. */
  get size(): number {
    return this.#inHand.size;
  }

  /** How many slots are free. */
  get free(): number {
    return this.#free.length;
  }

  /** Whether an item is in hand that was lost before: nothing else is begun beside it, as it may be what kills workers. */
  get hasSuspect(): boolean {
    return this.#suspect !== undefined && !this.#suspect.over;
  }

  /** As many as there are free slots for are in hand from now on; {@link work} is still to be called with each. */
  begin(): Job[] {
    const jobs: Job[] = [];
    while (this.ahead.size > 0 && this.#free.length > 0) jobs.push(this.#begin(this.ahead.next()));
    return jobs;
  }

  #begin(taken: Taken): Job {
    const job = new Job(taken, this.#session, this.#free.pop()!, this.slots, this.#onLine);
    this.#inHand.add(job);
    if (taken.losses > 0) this.#suspect = job;
    return job;
  }

  /** Runs the handler on one item. One that answers at once costs no promise. */
  work(job: Job): void {
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

  #succeed(job: Job, value: unknown): void {
    if (job.over) return;
    if (job.timedOut) return this.#fail(job, undefined);
    const ms = performance.now() - job.startedAt;
    let line: string;
    try {
      line = doneLine(ms, value, this.#options);
    } catch (error) {
      return this.#fail(job, error); // a result that has no JSON, like a BigInt
    }
    this.done++;
    this.sick.succeeded();
    this.#settle(job, line, undefined, this.#options.keepLogs === "all" ? job.logTail : "");
    this.#options.onEvent?.({ type: "done", id: job.id, payload: job.bytes, ms });
  }

  #fail(job: Job, error: unknown): void {
    if (job.over) return;
    const { retry, itemTimeoutMs, onEvent } = this.#options;
    const ms = performance.now() - job.startedAt;
    const reason = job.timedOut ? `timed out after ${itemTimeoutMs / 1000} s` : why(error);
    const failures = job.failures + 1;
    // By its name, not its class: a bundle may have two copies of it.
    const final =
      failures >= retry.maxAttempts || (!job.timedOut && (error as Error | undefined)?.name === "DoNotRetry");
    const again = final ? ("dead" as const) : backoff(failures, retry.backoff);
    this.failed++;
    this.#settle(job, failedLine(job.timedOut ? "t" : "f", ms, reason), again, job.logTail);
    onEvent?.({
      ...{ type: "failed", id: job.id, payload: job.bytes, attempt: job.attempt, why: reason },
      ...(again !== "dead" && { retryInMs: again }),
    } as ConsumerEvent);
    this.sick.failed(job.id, reason);
  }

  #settle(job: Job, line: string, again?: number | "dead", log?: string): void {
    if (job.over) return;
    job.over = true;
    this.#inHand.delete(job);
    this.slots.free(job.slot);
    this.#free.push(job.slot);
    this.settled.push({ id: job.id, member: job.member, line, again, log });
    const now = performance.now();
    this.ahead.learn(now - job.startedAt);
    if (this.ahead.isOld(now)) this.giveBack();
    else if (this.ahead.size > 0) this.work(this.#begin(this.ahead.next()));
    this.#onSettled();
  }

  /** What was taken and not begun goes back, which costs it nothing. */
  giveBack(): void {
    for (const { id, exchange } of this.ahead.clear()) {
      this.settled.push({ id, member: `${id}:${this.#session}.${exchange}`, line: "r0\n", again: 0 });
    }
    this.#onSettled();
  }

  /** What is in hand goes back, which costs it nothing; its handlers are told to stop. */
  release(): void {
    for (const job of this.#inHand) {
      job.abort(new Error("The worker is shut down"));
      this.#settle(job, `r${Math.round(performance.now() - job.startedAt)}\n`, 0);
    }
  }

  /** Leases that are gone: somebody else may have the item by now, so what comes of it here does not count. */
  lose(members: string[]): void {
    const gone = new Set(members);
    // Settled like any other, it is found stale and changes nothing; until then its slot stays taken.
    for (const job of this.#inHand) if (gone.has(job.member)) job.abort(new Error("The lease of this item was lost"));
  }

  /** Tells all handlers to stop. */
  abort(error: Error): void {
    for (const job of this.#inHand) job.abort(error);
  }

  /** The event loop turns; items past their time are told to stop, and given up when they do not. */
  beat(): void {
    const { itemTimeoutMs } = this.#options;
    const now = performance.now();
    this.slots.beat(now);
    if (this.ahead.isOld(now)) this.giveBack();
    for (const job of this.#inHand) {
      const over = now - job.startedAt - itemTimeoutMs;
      if (over < 0) break;
      if (!job.timedOut) {
        job.timedOut = true;
        job.abort(new Error(`The time limit of ${itemTimeoutMs / 1000} s is over`));
      } else if (over > Math.min(ABORT_GRACE_MS, itemTimeoutMs)) this.#fail(job, undefined);
    }
  }
}
