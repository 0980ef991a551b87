import { ActiveItem, type HeldItem, type ItemListener, leaseMember } from "./attempts/activeItem.ts";
import { type AttemptEnd, failure, lost, released, success } from "./attempts/attemptEnd.ts";
import { MAX_FETCH, type WorkerLoad } from "./fetchScheduler.ts";
import { LeaseState, LeaseTable } from "./leases/leaseTable.ts";
import { LogFeed } from "./logFeed.ts";
import { encodeReleased } from "./attempts/outcome.ts";
import { OutcomeQueue } from "./attempts/outcomeQueue.ts";
import { MAX_PREFETCH, PrefetchBuffer } from "./prefetch.ts";
import { runFor } from "./attempts/attribution.ts";
import { TimeLimit } from "./attempts/timeLimit.ts";
import { Slowdown } from "./slowdown.ts";
import { errorText, firstLine } from "../errorText.ts";
import type { ConsumerOptions } from "../types.ts";
import type { Outcome, ReservedItem } from "../redis/exchange.ts";

/** After a handler that blocked the event loop for longer than this, ms, outcomes go out and replies come in first. */
const BLOCKED_MS = 10;

/** Runs items: each in a slot, with its handler and its time limit, until its outcome is known. */
export class Processor implements ItemListener {
  /** Everything that was reserved, until Redis has answered for its outcome. */
  readonly leases: LeaseTable;
  readonly logFeed: LogFeed;
  readonly slowdown = new Slowdown();
  /** Outcomes that Redis was not sent yet. */
  readonly outcomes = new OutcomeQueue();
  done = 0;
  failed = 0;
  readonly #options: ConsumerOptions;
  readonly #session: string;
  readonly #onOutcome: () => void;
  readonly #noteBegun: (items: ActiveItem[]) => Promise<void>;
  /** Items in slots, in the order in which their handlers are called. */
  readonly #active = new Set<ActiveItem>();
  readonly #prefetched: PrefetchBuffer;
  #suspect?: ActiveItem;
  readonly #timeLimit: TimeLimit;

  /**
   * @param onOutcome Called after an outcome was added to {@link outcomes}.
   * @param noteBegun Tells Redis of items that were begun.
   */
  constructor(
    options: ConsumerOptions,
    session: string,
    onOutcome: () => void,
    noteBegun: (items: ActiveItem[]) => Promise<void>,
  ) {
    this.#options = options;
    this.#session = session;
    this.#onOutcome = onOutcome;
    this.#noteBegun = noteBegun;
    this.logFeed = new LogFeed(options.queue, options.pod);
    // Twice what may be held: a lease keeps its row until Redis has answered for its outcome.
    this.leases = new LeaseTable(2 * (options.concurrency + MAX_PREFETCH + MAX_FETCH));
    this.#prefetched = new PrefetchBuffer(options.concurrency);
    // Runners that do not stop are killed by the pool.
    const giveUp = options.readySlots ? undefined : (item: ActiveItem) => this.#fail(item, undefined);
    this.#timeLimit = new TimeLimit(options.itemTimeoutMs, giveUp);
  }

  /** The load. Nothing may be started beside a suspect: it may be what kills workers. */
  load(now: number): WorkerLoad {
    return {
      freeSlots: this.#freeSlots,
      inFlight: this.#active.size,
      prefetched: this.#prefetched.size,
      prefetchCapacity: this.#prefetched.capacity,
      freeLeases: this.leases.free,
      unacked: this.outcomes.size,
      reservesNothing: this.#suspect !== undefined && !this.#suspect.isSettled,
      onlyWatching: this.#options.readySlots?.() === 0,
      pace: this.slowdown.pace(now),
    };
  }

  get #freeSlots(): number {
    const { concurrency, readySlots } = this.#options;
    return Math.max(0, Math.min(concurrency, readySlots?.() ?? concurrency) - this.#active.size);
  }

  /** Items in slots. */
  get inFlight(): number {
    return this.#active.size;
  }

  /** Longest payload of late, bytes. */
  get largest(): number {
    return this.#prefetched.largest;
  }

  /** Redis has answered for these outcomes. */
  onAcknowledged(outcomes: Outcome[]): void {
    for (const { row } of outcomes) this.leases.remove(row!);
  }

  /** Items that were reserved for this worker. */
  accept(reserved: ReservedItem[], isSample = false): void {
    for (const item of reserved as HeldItem[]) {
      item.row = this.leases.add(item);
      if (isSample && item.failures + item.losses === 0) item.isSample = true;
    }
    this.#prefetched.add(reserved as HeldItem[]);
  }

  /** Puts accepted items into free slots; {@link run} is to be called with them. */
  startAccepted(): ActiveItem[] {
    const items: ActiveItem[] = [];
    while (this.#prefetched.size > 0 && this.#freeSlots > 0) items.push(this.#start(this.#prefetched.shift()));
    return items;
  }

  #start(held: HeldItem): ActiveItem {
    const item = new ActiveItem(held, this.#session, this);
    this.#active.add(item);
    this.leases.setState(held.row, LeaseState.inFlight);
    if (held.runsAlone) this.#suspect = item;
    return item;
  }

  /**
   * Calls the handler on each, in turn. Redis is told of the first item before its handler is called, and of the items
   * that still run afterwards, so it never counts an item that was not begun. A suspect waits for the answer. If items
   * are quick, telling costs too much.
   */
  async run(items: ActiveItem[]): Promise<void> {
    const [first] = items;
    const isTold = this.#prefetched.capacity === 0 || first?.runsAlone;
    const told = first && isTold && this.#noteBegun([first]);
    if (first?.runsAlone) await told;
    const rest = this.#runInTurn(items);
    const begun = items.filter((item) => item !== first && item.startedAt > 0 && !item.isSettled);
    if (isTold && begun.length > 0) void this.#noteBegun(begun);
    if (rest.length > 0) setImmediate(() => void this.run(rest));
  }

  /** @returns Those that were not begun, since one blocked the event loop. */
  #runInTurn(items: ActiveItem[]): ActiveItem[] {
    for (let index = 0; index < items.length; index++) {
      const item = items[index]!;
      if (item.isSettled) continue; // it was released before it was begun
      this.#run(item);
      if (index === items.length - 1 || performance.now() - item.startedAt < BLOCKED_MS) continue;
      return items.slice(index + 1);
    }
    return [];
  }

  /** Calls the handler on an item. One that returns no promise costs none. */
  #run(item: ActiveItem): void {
    const { handler, onEvent } = this.#options;
    item.startedAt = performance.now();
    this.leases.setState(item.row, LeaseState.begun);
    onEvent?.({ type: "working", id: item.id, payload: item.bytes, attempt: item.attempt });
    try {
      const value = runFor(item, handler, item.bytes.toString(), item);
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
      if (slowsDown) this.returnPrefetched();
    }
    this.#settle(item, end);
  }

  /** An attempt is over: its outcome goes to Redis, and the next item into its slot. */
  #settle(item: ActiveItem, { kind, line, log, event }: AttemptEnd): void {
    if (item.isSettled) return;
    item.isSettled = true;
    this.#active.delete(item);
    this.leases.setState(item.row, LeaseState.ended);
    const { id, row, member, bytes: payload } = item;
    this.outcomes.add({ id, row, member, payload }, kind, line, log);
    if (event) this.#options.onEvent?.(event);
    const now = performance.now();
    this.#prefetched.recordDuration(item.elapsed(now));
    if (this.#prefetched.isExpired(now)) this.returnPrefetched();
    else if (this.#prefetched.size > 0 && this.#freeSlots > 0) this.#run(this.#start(this.#prefetched.shift()));
    this.#onOutcome();
  }

  /** Gives back what is in no slot, which costs those items nothing. */
  returnPrefetched(): void {
    for (const held of this.#prefetched.takeAll()) {
      const { id, row, payload } = held;
      this.leases.setState(row, LeaseState.ended);
      const settled = { id, row, member: leaseMember(this.#session, held), payload };
      this.outcomes.add(settled, { kind: "released" }, encodeReleased(0));
    }
    this.#onOutcome();
  }

  /** Releases all items without counting an attempt, and tells their handlers to stop. */
  releaseAll(why: string): void {
    this.returnPrefetched();
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
    this.returnPrefetched();
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
    if (this.#prefetched.isExpired(now)) this.returnPrefetched();
    this.#timeLimit.tick(this.#active, now);
  }
}
