import type { Taken } from "./activeItem.ts";

/** So much work is taken ahead, ms a slot. */
const BUDGET_MS = 10;
/** Items that took longer than this, ms, are not taken ahead: the way to Redis is short beside them. */
const QUICK_MS = 1;
/** What waited longer than this, ms, behind an item that is slow after all is given back: elsewhere it may be begun. */
const OLD_MS = 50;
/** At most so many, however quick. */
export const MAX_AHEAD = 128;
const MAX_BYTES = 1024 * 1024;
/** What items are expected to take at first: a dozen of them show that they don't. */
const SLOW_MS = 4;

/**
 * Items that were taken and not begun. Where a handler is quicker than the way to Redis and back, the next items are brought while it works; where it
 * is not, an item in this queue would wait for one slot while others are free, so there is none. Leases of these are not renewed.
 */
export class Ahead {
  readonly #slots: number;
  #items: Taken[] = [];
  #since = 0;
  /** How long items take of late, ms, and the longest of those taken last, bytes. */
  #usual = SLOW_MS;
  #longest = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  get size(): number {
    return this.#items.length;
  }

  /** How many there may be. */
  get room(): number {
    if (this.#usual > QUICK_MS) return 0;
    const inTime = (BUDGET_MS * this.#slots) / Math.max(this.#usual, 0.01);
    return Math.floor(Math.min(MAX_AHEAD, inTime, MAX_BYTES / Math.max(this.#longest, 1)));
  }

  /** An item took so long, ms. */
  learn(ms: number): void {
    this.#usual += 0.1 * (ms - this.#usual);
  }

  put(taken: Taken[]): void {
    if (taken.length === 0) return;
    this.#since = performance.now();
    this.#longest = 0;
    for (const { payload } of taken) this.#longest = Math.max(this.#longest, payload.length);
    this.#items = this.#items.length > 0 ? [...this.#items, ...taken] : taken;
  }

  /** The first of them; there is one. */
  next(): Taken {
    return this.#items.shift()!;
  }

  /** They wait for too long. */
  isOld(now: number): boolean {
    return this.#items.length > 0 && now - this.#since > OLD_MS;
  }

  /** Takes all of them out; from then on items count as slow. */
  clear(): Taken[] {
    this.#usual = SLOW_MS;
    return this.#items.splice(0);
  }
}
