/** Somebody else may push, finish or seed at any time: an idle worker looks at least this often, ms. */
const POLL_MS = 200;
/** More items than this are not asked for at once: Redis does nothing else meanwhile. */
const MAX_FETCH = 500;
/** A worker of many slots that is always busy says at most so often that it has nothing else in hand, ms. */
const EXCLUSIVE_INTERVAL_MS = 100;
/** Fewer slots than this do not share the exchanges between two lanes. */
const MIN_SLOTS_TO_PIPELINE = 8;

/** What a worker has to do with its next exchange. */
export interface WorkerLoad {
  /** Slots that are free. */
  freeSlots: number;
  /** Items in hand; taken and not begun, and how many of the latter there may be. */
  inFlight: number;
  prefetched: number;
  prefetchCapacity: number;
  /** Ends to be recorded. */
  unacked: number;
  /** Nothing more is to be taken. */
  draining: boolean;
}

/** What the next exchange asks for. */
export interface FetchRequest {
  /** How many items. */
  count: number;
  /** Whether it says that there is nothing else in hand, and so may bring a suspect, which must stay alone. */
  exclusive: boolean;
}

/** There is nothing to ask for. */
export interface Wait {
  /** How long, ms. */
  waitMs: number;
}

/**
 * When to exchange, and how many items to ask for. Two exchanges are under way where there is enough to share: Redis works on one while this process
 * works on the other. Their numbers are one even and one odd: each may be answered after the other, none overtakes itself.
 */
export class FetchScheduler {
  readonly #slots: number;
  #number = 0;
  /** Exchanges under way: what was asked for, by number. */
  readonly #inFlight = new Map<number, FetchRequest>();
  #nextPollAt = 0;
  #lastExclusiveAt = -Infinity;
  /** The last exchange that asked for items got fewer. */
  #lastFetchShort = false;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** How many are under way. */
  get size(): number {
    return this.#inFlight.size;
  }

  /**
   * What to ask for, or when to look again; undefined where something else must happen first: an answer, or the end of an item.
   * @param now The time, ms. Whether it is over and how long it lasts are found by one look at the clock: between two it may pass, and nobody look again.
   */
  plan(
    {
      freeSlots: free,
      inFlight: inHand,
      prefetched: ahead,
      prefetchCapacity: room,
      unacked: settled,
      draining: full,
    }: WorkerLoad,
    now: number,
  ): FetchRequest | Wait | undefined {
    const lanes = this.#slots + room < MIN_SLOTS_TO_PIPELINE ? 1 : 2;
    if (this.#inFlight.size >= lanes) return undefined;
    let asked = 0;
    let mayBeAlone = false;
    for (const { count: want, exclusive: idle } of this.#inFlight.values()) {
      asked += want;
      mayBeAlone ||= idle;
    }
    const rest = full ? 0 : this.#nextPollAt - now;
    let want = 0;
    if (!full && !mayBeAlone && (settled > 0 || rest <= 0)) {
      want = Math.max(0, Math.min(free + room - ahead - asked, Math.ceil((this.#slots + room) / lanes), MAX_FETCH));
    }
    if (want === 0 && settled === 0) return rest > 0 ? { waitMs: rest } : undefined;
    // Nothing else may be asked for until the answer is here, so this is not said at every chance.
    const idle =
      want > 0 &&
      asked + inHand + ahead === 0 &&
      (lanes === 1 || now - this.#lastExclusiveAt > EXCLUSIVE_INTERVAL_MS || this.#lastFetchShort);
    if (idle) this.#lastExclusiveAt = now;
    return { count: want, exclusive: idle };
  }

  /** It is under way. @returns Its number. */
  start(ask: FetchRequest): number {
    const [busy] = this.#inFlight.keys();
    this.#number += busy !== undefined && (this.#number + 1) % 2 === busy % 2 ? 2 : 1;
    this.#inFlight.set(this.#number, ask);
    return this.#number;
  }

  /** It is not any more. */
  finish(number: number): void {
    this.#inFlight.delete(number);
  }

  /** What an answer brought, of what was wanted; and how long there will be nothing, ms, as far as Redis knows. */
  onReply(want: number, brought: number, wait: number, now: number): void {
    if (want === 0) return;
    this.#lastFetchShort = brought < want;
    this.#nextPollAt = brought > 0 ? 0 : now + Math.min(Math.max(wait, 5), POLL_MS);
  }
}
