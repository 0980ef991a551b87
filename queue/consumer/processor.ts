import { ActiveItem, type ItemListener } from "./attempts/activeItem.ts";
import { type AttemptEnd, failure, lost, released, success } from "./attempts/attemptEnd.ts";
import { HandlerCalls } from "./attempts/handlerCalls.ts";
import { TimeLimit } from "./attempts/timeLimit.ts";
import { LogFeed } from "./logFeed.ts";
import type { Reservations } from "./reservations.ts";
import { Slowdown } from "./slowdown.ts";
import { errorText, firstLine } from "../errorText.ts";
import type { ConsumerOptions } from "../types.ts";

/** Runs reserved items: each in a slot, with its handler and its time limit, until its attempt is over. */
export class Processor implements ItemListener {
  readonly logFeed: LogFeed;
  readonly slowdown: Slowdown;
  done = 0;
  failed = 0;
  readonly #options: ConsumerOptions;
  readonly #reservations: Reservations;
  readonly #handlerCalls: HandlerCalls;
  /** Items in slots, in the order in which their handlers are called. */
  readonly #active = new Set<ActiveItem>();
  #suspect?: ActiveItem;
  readonly #timeLimit: TimeLimit;

  /** @param noteBegun Tells Redis of items that were begun. */
  constructor(options: ConsumerOptions, reservations: Reservations, noteBegun: (items: ActiveItem[]) => Promise<void>) {
    this.#options = options;
    this.slowdown = new Slowdown(options.loadMs);
    this.#reservations = reservations;
    this.#handlerCalls = new HandlerCalls(options, reservations, noteBegun, {
      onReturned: (item, value) => this.#succeed(item, value),
      onThrown: (item, error) => this.#fail(item, error),
    });
    this.logFeed = new LogFeed(options.queue, options.pod);
    // Runners that do not stop are killed by the pool.
    const giveUp = options.readySlots ? undefined : (item: ActiveItem) => this.#fail(item, undefined);
    this.#timeLimit = new TimeLimit(options.itemTimeoutMs, giveUp);
  }

  /** Items in slots. */
  get inFlight(): number {
    return this.#active.size;
  }

  get freeSlots(): number {
    const { concurrency, readySlots } = this.#options;
    return Math.max(0, Math.min(concurrency, readySlots?.() ?? concurrency) - this.#active.size);
  }

  /** True if no runner is ready. */
  get hasNoSlots(): boolean {
    return this.#options.readySlots?.() === 0;
  }

  /** True if a suspect runs. Nothing may be started beside it, since it may kill the worker. */
  get runsSuspect(): boolean {
    return this.#suspect !== undefined && !this.#suspect.isSettled;
  }

  /** Puts prefetched items into free slots. Call {@link run} with them. */
  fillSlots(): ActiveItem[] {
    const items: ActiveItem[] = [];
    for (let item; (item = this.#start());) items.push(item);
    return items;
  }

  /** Puts an item into a slot, if there is one for it. */
  #start(): ActiveItem | undefined {
    if (this.#reservations.prefetched.size === 0 || this.freeSlots === 0) return undefined;
    const item = new ActiveItem(this.#reservations.take(), this);
    this.#active.add(item);
    if (item.runsAlone) this.#suspect = item;
    return item;
  }

  /** Calls the handler on items in slots. */
  run(items: ActiveItem[]): void {
    this.#handlerCalls.callInTurn(items);
  }

  #succeed(item: ActiveItem, value: unknown): void {
    if (item.isSettled) return;
    if (item.timedOut) return this.#fail(item, undefined);
    let end: AttemptEnd;
    try {
      end = success(item, value, performance.now(), this.#options);
    } catch (error) {
      return this.#fail(item, error); // a result that has no JSON
    }
    this.done++;
    this.slowdown.onSuccess();
    this.#settle(item, end);
  }

  #fail(item: ActiveItem, error: unknown): void {
    if (item.isSettled) return;
    const now = performance.now();
    const { end, failed } = failure(item, error, now, this.#options);
    if (failed) {
      this.failed++;
      const { reason, isFinal } = failed;
      // A handler that says so for good has worked.
      const slowsDown = !isFinal && this.slowdown.onFailure(item.id, reason, item.startedAt, item.isSample, now);
      if (slowsDown) this.#reservations.returnPrefetched();
    }
    this.#settle(item, end);
  }

  /** An attempt is over: its outcome goes to Redis, and the next item into its slot. */
  #settle(item: ActiveItem, end: AttemptEnd): void {
    if (item.isSettled) return;
    item.isSettled = true;
    this.#active.delete(item);
    const { id, row, member, bytes: payload } = item;
    this.#reservations.settle({ id, row, member, payload }, end);
    if (end.event) this.#options.onEvent?.(end.event);
    const now = performance.now();
    const { prefetched } = this.#reservations;
    prefetched.recordDuration(item.elapsed(now));
    if (prefetched.isExpired(now)) this.#reservations.returnPrefetched();
    else {
      const next = this.#start();
      if (next) this.#handlerCalls.callNext(next);
    }
    this.#reservations.announce();
  }

  /** Releases all items without counting an attempt, and tells their handlers to stop. */
  releaseAll(why: string): void {
    this.#reservations.returnPrefetched();
    const now = performance.now();
    for (const item of this.#active) {
      item.abort(new Error(why));
      this.#settle(item, released(item, now));
    }
  }

  /**
   * Leases that are gone: another worker may have the items. Their acknowledgements will be rejected as stale; their
   * slots stay occupied until the handlers return.
   */
  onLeasesLost(members: string[]): void {
    const lost = new Set(members);
    for (const item of this.#active) {
      if (lost.has(item.member)) item.abort(new Error("The lease of this item was lost"));
    }
  }

  onLine(item: ActiveItem, line: string): void {
    this.logFeed.add(item.id, item.bytes, line);
    this.#options.onEvent?.({ type: "log", id: item.id, payload: item.bytes, line });
  }

  /** An error that the promise of the item's handler does not carry is the item's all the same. */
  onStrayError(item: ActiveItem, error: unknown): void {
    if (item.isSettled) {
      this.#options.onEvent?.({ type: "stray", id: item.id, payload: item.bytes, why: errorText(error) });
      return;
    }
    item.abort(new Error("An error of this item was thrown outside of its handler's promise"));
    this.#fail(item, error);
  }

  /**
   * An error of code that runs for no item in particular. It is that of the only item in flight; if there are several,
   * any of them may have caused it.
   */
  onUnownedError(error: unknown): void {
    this.#reservations.returnPrefetched();
    const begun = [...this.#active].filter(({ startedAt }) => startedAt > 0);
    if (begun.length === 1) return this.onStrayError(begun[0]!, error);
    const reason = `the process broke while ${begun.length} items were in flight: ${firstLine(errorText(error))}`;
    for (const item of begun) {
      item.abort(new Error(reason));
      this.#settle(item, lost(item, reason));
    }
  }

  /** Called while the event loop turns. */
  tick(now: number): void {
    if (this.#reservations.prefetched.isExpired(now)) this.#reservations.returnPrefetched();
    this.#timeLimit.tick(this.#active, now);
  }
}
