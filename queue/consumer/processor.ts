import { ActiveItem, leaseMember, type ReservedItem } from "./activeItem.ts";
import { backoff } from "./backoff.ts";
import { CircuitBreaker } from "./circuitBreaker.ts";
import type { WorkerLoad } from "./fetchScheduler.ts";
import { LeaseTable } from "./leaseTable.ts";
import { encodeDone, encodeFailed, encodeReleased, type Outcome, type OutcomeKind } from "./outcome.ts";
import { PrefetchBuffer } from "./prefetch.ts";
import { errorText } from "../errorText.ts";
import type { ConsumerOptions } from "../types.ts";

/** After its time limit, a handler has this long to stop before its item is given up, ms. */
const ABORT_GRACE_MS = 5_000;

/** Runs items: each in a slot, with its handler and its time limit, until its outcome is known. */
export class Processor {
  readonly leases: LeaseTable;
  readonly circuitBreaker = new CircuitBreaker();
  done = 0;
  failed = 0;
  readonly #options: ConsumerOptions;
  readonly #session: string;
  readonly #onOutcome: () => void;
  readonly #onLine: ((item: ActiveItem, line: string) => void) | undefined;
  readonly #freeSlots: number[];
  /** Items in slots, in the order of their start. */
  readonly #active = new Set<ActiveItem>();
  readonly #prefetched: PrefetchBuffer;
  /** Outcomes that Redis does not know yet. */
  #outcomes: Outcome[] = [];
  #suspect?: ActiveItem;

  /** @param onOutcome Called after an outcome was added to those that {@link takeOutcomes} takes. */
  constructor(options: ConsumerOptions, session: string, onOutcome: () => void) {
    this.#options = options;
    this.#session = session;
    this.#onOutcome = onOutcome;
    this.leases = new LeaseTable(options.concurrency);
    this.#prefetched = new PrefetchBuffer(options.concurrency);
    this.#freeSlots = Array.from({ length: options.concurrency }, (_, slot) => slot);
    const { onEvent } = options;
    this.#onLine = onEvent && (({ id, bytes }, line) => onEvent({ type: "log", id, payload: bytes, line }));
  }

  /** What there is to do. Nothing may be started beside a suspect: it may be what kills workers. */
  get load(): WorkerLoad {
    return {
      freeSlots: this.#freeSlots.length,
      inFlight: this.#active.size,
      prefetched: this.#prefetched.size,
      prefetchCapacity: this.#prefetched.capacity,
      unacked: this.#outcomes.length,
      draining: this.#suspect !== undefined && !this.#suspect.isSettled,
    };
  }

  /** Nothing is in flight, and Redis was sent every outcome. */
  get isIdle(): boolean {
    return this.#active.size + this.#prefetched.size + this.#outcomes.length === 0;
  }

  /** Takes outcomes out, to be acknowledged. */
  takeOutcomes(max: number): Outcome[] {
    return this.#outcomes.splice(0, max);
  }

  /** Items that were reserved for this worker. */
  accept(reserved: ReservedItem[]): void {
    this.#prefetched.add(reserved);
  }

  /** Puts accepted items into free slots; {@link run} is still to be called with each. */
  startAccepted(): ActiveItem[] {
    const items: ActiveItem[] = [];
    while (this.#prefetched.size > 0 && this.#freeSlots.length > 0) items.push(this.#start(this.#prefetched.shift()));
    return items;
  }

  #start(reserved: ReservedItem): ActiveItem {
    const item = new ActiveItem(reserved, this.#session, this.#freeSlots.pop()!, this.leases, this.#onLine);
    this.#active.add(item);
    if (reserved.losses > 0) this.#suspect = item;
    return item;
  }

  /** Runs the handler on an item. One that returns no promise costs none. */
  run(item: ActiveItem): void {
    const { handler, onEvent } = this.#options;
    onEvent?.({ type: "working", id: item.id, payload: item.bytes, attempt: item.attempt });
    try {
      const value = handler(item.bytes.toString(), item);
      if (value instanceof Promise || typeof (value as PromiseLike<unknown> | undefined)?.then === "function") {
        (value as Promise<unknown>).then(
          (result) => this.#succeed(item, result),
          (error: unknown) => this.#fail(item, error),
        );
      } else this.#succeed(item, value);
    } catch (error) {
      this.#fail(item, error);
    }
  }

  #succeed(item: ActiveItem, value: unknown): void {
    if (item.isSettled) return;
    if (item.timedOut) return this.#fail(item, undefined);
    const ms = performance.now() - item.startedAt;
    let line: string;
    try {
      line = encodeDone(ms, value, this.#options);
    } catch (error) {
      return this.#fail(item, error); // a result that has no JSON, like a BigInt
    }
    this.done++;
    this.circuitBreaker.onSuccess();
    this.#settle(item, { kind: "done" }, line, this.#options.keepLogs === "all" ? item.logTail : undefined);
    this.#options.onEvent?.({ type: "done", id: item.id, payload: item.bytes, ms });
  }

  #fail(item: ActiveItem, error: unknown): void {
    if (item.isSettled) return;
    const { retry, itemTimeoutMs, onEvent } = this.#options;
    const ms = performance.now() - item.startedAt;
    const reason = item.timedOut ? `timed out after ${itemTimeoutMs / 1000} s` : errorText(error);
    const failures = item.failures + 1;
    // By its name, not its class: a bundle may have two copies of it.
    const isFinal =
      failures >= retry.maxAttempts || (!item.timedOut && (error as Error | undefined)?.name === "DoNotRetry");
    const delayMs = backoff(failures, retry.backoff);
    this.failed++;
    this.#settle(
      item,
      isFinal ? { kind: "dead" } : { kind: "retry", delayMs },
      encodeFailed(item.timedOut ? "t" : "f", ms, reason),
      item.logTail,
    );
    onEvent?.({
      type: "failed",
      id: item.id,
      payload: item.bytes,
      attempt: item.attempt,
      why: reason,
      ...(!isFinal && { retryInMs: delayMs }),
    });
    this.circuitBreaker.onFailure(item.id, reason);
  }

  #settle(item: ActiveItem, kind: OutcomeKind, line: string, log?: string): void {
    if (item.isSettled) return;
    item.isSettled = true;
    this.#active.delete(item);
    this.leases.free(item.slot);
    this.#freeSlots.push(item.slot);
    this.#outcomes.push({ ...kind, id: item.id, member: item.member, line, log });
    const now = performance.now();
    this.#prefetched.recordDuration(now - item.startedAt);
    if (this.#prefetched.isExpired(now)) this.returnPrefetched();
    else if (this.#prefetched.size > 0) this.run(this.#start(this.#prefetched.shift()));
    this.#onOutcome();
  }

  /** Gives back what no slot has started, which costs those items nothing. */
  returnPrefetched(): void {
    for (const reserved of this.#prefetched.drain()) {
      const member = leaseMember(this.#session, reserved);
      this.#outcomes.push({ kind: "released", id: reserved.id, member, line: encodeReleased(0) });
    }
    this.#onOutcome();
  }

  /** Releases all items without counting an attempt, and tells their handlers to stop. */
  releaseAll(): void {
    this.returnPrefetched();
    for (const item of this.#active) {
      item.abort(new Error("The worker is shut down"));
      this.#settle(item, { kind: "released" }, encodeReleased(performance.now() - item.startedAt));
    }
  }

  /**
   * Leases that are gone: another worker may have the items. Their acknowledgements will be rejected as stale; their slots
   * stay occupied until the handlers return.
   */
  onLeasesLost(members: string[]): void {
    const lost = new Set(members);
    for (const item of this.#active) {
      if (lost.has(item.member)) item.abort(new Error("The lease of this item was lost"));
    }
  }

  /** Tells all handlers to stop. */
  abortAll(error: Error): void {
    for (const item of this.#active) item.abort(error);
  }

  /** Called while the event loop turns. Items past their time limit are told to stop, and given up when they do not. */
  tick(): void {
    const { itemTimeoutMs } = this.#options;
    const now = performance.now();
    this.leases.tick(now);
    if (this.#prefetched.isExpired(now)) this.returnPrefetched();
    for (const item of this.#active) {
      const overdueMs = now - item.startedAt - itemTimeoutMs;
      if (overdueMs < 0) break;
      if (!item.timedOut) {
        item.timedOut = true;
        item.abort(new Error(`The time limit of ${itemTimeoutMs / 1000} s is over`));
      } else if (overdueMs > Math.min(ABORT_GRACE_MS, itemTimeoutMs)) this.#fail(item, undefined);
    }
  }
}
