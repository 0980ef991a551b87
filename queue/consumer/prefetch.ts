import type { ReservedItem } from "./activeItem.ts";

/** So much work is taken ahead, ms a slot. */
const BUDGET_MS = 10;
/** Items that took longer than this, ms, are not taken ahead: the way to Redis is short beside them. */
const QUICK_MS = 1;
/** What waited longer than this, ms, behind an item that is slow after all is given back: elsewhere it may be begun. */
const EXPIRY_MS = 50;
/** At most so many, however quick. */
export const MAX_PREFETCH = 128;
const MAX_BYTES = 1024 * 1024;
/** What items are expected to take at first: a dozen of them show that they don't. */
const INITIAL_ESTIMATE_MS = 4;

/**
 * Items that were taken and not begun. Where a handler is quicker than the way to Redis and back, the next items are brought while it works; where it
 * is not, an item in this queue would wait for one slot while others are free, so there is none. Leases of these are not renewed.
 */
export class PrefetchBuffer {
  readonly #slots: number;
  #items: ReservedItem[] = [];
  #since = 0;
  /** How long items take of late, ms, and the longest of those taken last, bytes. */
  #typicalMs = INITIAL_ESTIMATE_MS;
  #longestBytes = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  get size(): number {
    return this.#items.length;
  }

  /** How many there may be. */
  get capacity(): number {
    if (this.#typicalMs > QUICK_MS) return 0;
    const inTime = (BUDGET_MS * this.#slots) / Math.max(this.#typicalMs, 0.01);
    return Math.floor(Math.min(MAX_PREFETCH, inTime, MAX_BYTES / Math.max(this.#longestBytes, 1)));
  }

  /** An item took so long, ms. */
  recordDuration(ms: number): void {
    this.#typicalMs += 0.1 * (ms - this.#typicalMs);
  }

  add(taken: ReservedItem[]): void {
    if (taken.length === 0) return;
    this.#since = performance.now();
    this.#longestBytes = 0;
    for (const { payload } of taken) this.#longestBytes = Math.max(this.#longestBytes, payload.length);
    this.#items = this.#items.length > 0 ? [...this.#items, ...taken] : taken;
  }

  /** The first of them; there is one. */
  shift(): ReservedItem {
    return this.#items.shift()!;
  }

  /** They wait for too long. */
  isExpired(now: number): boolean {
    return this.#items.length > 0 && now - this.#since > EXPIRY_MS;
  }

  /** Takes all of them out; from then on items count as slow. */
  drain(): ReservedItem[] {
    this.#typicalMs = INITIAL_ESTIMATE_MS;
    return this.#items.splice(0);
  }
}
