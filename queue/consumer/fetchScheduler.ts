import { CallsInFlight, type FetchRequest } from "./callsInFlight.ts";
import type { Pace } from "./slowdown.ts";

/**
 * An idle worker calls at least this often, ms, while a batch has few workers. If it has many, Redis says how often.
 */
const POLL_MS = 200;
/** Shortest wait between two calls of an idle worker, ms. */
const MIN_POLL_MS = 5;
/** Most items requested at once: a script blocks Redis while it runs. */
export const MAX_FETCH = 500;
/** A busy worker of many slots says at most this often that it has nothing else in flight, ms. */
const EXCLUSIVE_INTERVAL_MS = 100;
/** With fewer slots than this, calls are not pipelined: there is too little to share. */
const MIN_SLOTS_TO_PIPELINE = 8;
/** Calls of many idle workers are spread by this share of the wait, at random. */
const JITTER = 0.2;

/** The load of a worker at the moment. */
export interface WorkerLoad {
  freeSlots: number;
  /** Items in slots. */
  inFlight: number;
  /** Items that are reserved and in no slot, and how many of them there may be. */
  prefetched: number;
  prefetchCapacity: number;
  /** Number of items that may still be reserved before Redis has answered for those that ended. */
  freeLeases: number;
  /** Outcomes that Redis does not know yet. */
  unacked: number;
  /** Nothing more is to be reserved. */
  reservesNothing: boolean;
  /** Nothing may be reserved for now. Whether the batch is over is still looked at. */
  onlyLooks: boolean;
  /** Limits of its speed. */
  pace: Pace;
}

/** Nothing is to be called for now. */
export interface Wait {
  waitMs: number;
}

/** A reply, as far as it matters for the next call. */
export interface PollAdvice {
  /** Number of items that it brought. */
  reserved: number;
  /** Wait of an idle worker. */
  pollMs: number;
  /** Time until something is due, as far as Redis knows; below 0 if nothing is. */
  dueMs: number;
}

/**
 * Decides when to call Redis and how many items to reserve. If there is enough to share, two calls are in flight: Redis
 * works on one while this process works on the other.
 */
export class FetchScheduler {
  readonly calls = new CallsInFlight();
  readonly #slots: number;
  /** Times of its next call for items, and of its next look if the batch is over. */
  #nextPollAt = 0;
  #nextLookAt = 0;
  #lastExclusiveAt = -Infinity;
  /** The last call that asked for items got fewer. */
  #lastFetchShort = false;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /**
   * The next call, or the wait before it; undefined if the next event (a reply, a finished item) decides.
   * @param now ms. The wait is measured from this one look at the clock. After a second look it might be over, and
   *   nobody would look again.
   */
  plan(load: WorkerLoad, now: number): FetchRequest | Wait | undefined {
    const maxCalls = this.#places(load) < MIN_SLOTS_TO_PIPELINE ? 1 : 2;
    const { size, requested, hasExclusive } = this.calls;
    if (size >= maxCalls) return undefined;
    const onlyLooks = mayOnlyLook(load);
    const waitMs = this.#waitMs(load, onlyLooks, now);
    const mayAsk = !load.reservesNothing && !hasExclusive && (load.unacked > 0 || waitMs === 0);
    const count = mayAsk && !onlyLooks ? this.#countFor(load, requested, maxCalls) : 0;
    const isLook = mayAsk && onlyLooks && size === 0;
    if (count === 0 && load.unacked === 0 && !isLook) return waitMs > 0 ? { waitMs } : undefined;
    const isIdle = requested + load.inFlight + load.prefetched === 0;
    const exclusive = count > 0 && isIdle && this.#takeExclusiveTurn(maxCalls, now);
    return { count, exclusive, sample: load.pace.limit === 1, isLook };
  }

  /** Number of items that this worker may hold. */
  #places({ prefetchCapacity }: WorkerLoad): number {
    return this.#slots + prefetchCapacity;
  }

  /** Time until the next call for items, or until the next look; a slow worker asks as soon as its pace lets it. */
  #waitMs({ reservesNothing, pace }: WorkerLoad, onlyLooks: boolean, now: number): number {
    if (reservesNothing) return 0;
    const waitMs = Math.max(0, (onlyLooks ? this.#nextLookAt : this.#nextPollAt) - now);
    return pace.waitMs > 0 ? Math.min(waitMs, pace.waitMs) : waitMs;
  }

  /** Number of items to request: there is room for them, and each call takes its share. */
  #countFor(load: WorkerLoad, requested: number, maxCalls: number): number {
    const places = this.#places(load);
    const room = load.freeSlots + load.prefetchCapacity - load.prefetched;
    const byPace = load.pace.limit - load.inFlight - load.prefetched;
    const free = Math.min(room, load.freeLeases, byPace) - requested;
    return Math.max(0, Math.min(free, Math.ceil(places / maxCalls), MAX_FETCH));
  }

  /** While an exclusive request is in flight, no other one is made. So a busy worker takes few of these turns. */
  #takeExclusiveTurn(maxCalls: number, now: number): boolean {
    const isDue = maxCalls === 1 || this.#lastFetchShort || now - this.#lastExclusiveAt > EXCLUSIVE_INTERVAL_MS;
    if (isDue) this.#lastExclusiveAt = now;
    return isDue;
  }

  /** Learns from a reply. */
  onReply({ count, isLook }: FetchRequest, { reserved, pollMs, dueMs }: PollAdvice, now: number): void {
    if (count === 0 && !isLook) return;
    // A look reserves no item that is due.
    this.#nextLookAt = reserved > 0 ? 0 : now + idleWait(pollMs, -1);
    if (isLook) return;
    this.#lastFetchShort = reserved < count;
    this.#nextPollAt = reserved > 0 ? 0 : now + idleWait(pollMs, dueMs);
  }
}

/**
 * True if nothing may be reserved for now. A slow worker looks also while its longer items run: the answer may say that
 * it is slow no longer.
 */
function mayOnlyLook({ onlyLooks, freeSlots, inFlight, pace }: WorkerLoad): boolean {
  return onlyLooks || pace.waitMs > 0 || (freeSlots > 0 && pace.limit <= inFlight);
}

/**
 * Wait of an idle worker, ms. If there are many, each of them calls seldom. Only a few come when something is due: the
 * others come soon enough.
 */
function idleWait(pollMs: number, dueMs: number): number {
  const spread = pollMs > POLL_MS ? pollMs * (1 + JITTER * (2 * Math.random() - 1)) : pollMs;
  const comesWhenDue = dueMs >= 0 && Math.random() * pollMs < POLL_MS;
  return Math.max(comesWhenDue ? Math.min(spread, dueMs) : spread, MIN_POLL_MS);
}
