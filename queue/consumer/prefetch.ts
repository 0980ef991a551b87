import type { HeldItem } from "./attempts/activeItem.ts";

/** Work prefetched for each slot, ms. */
const BUDGET_MS = 10;
/** Items that take longer than this, ms, are not prefetched: a round trip is short beside them. */
const QUICK_MS = 1;
/**
 * An item that waited longer than this, ms, behind one that is slow after all is given back: it may start elsewhere.
 */
const EXPIRY_MS = 50;
/** Most items that are prefetched, however quick they are. */
export const MAX_PREFETCH = 128;
const MAX_BYTES = 1024 * 1024;
/** Initial estimate of an item's duration. Pessimistic on purpose: prefetching starts after a dozen quick items. */
const INITIAL_ESTIMATE_MS = 4;

/**
 * Reserved items that are in no slot. Used only if the handler is quicker than a round trip to Redis; otherwise
 * items would wait here while other workers idle. Their leases are not renewed.
 */
export class PrefetchBuffer {
  readonly #slots: number;
  #items: HeldItem[] = [];
  #filledAt = 0;
  /** Moving average of how long items take, ms. */
  #typicalMs = INITIAL_ESTIMATE_MS;
  /** Bytes of the longest payload of late: of those added last, or half of the value before. */
  #largest = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Most items that there may be. */
  get capacity(): number {
    if (this.#typicalMs > QUICK_MS) return 0;
    const inTime = (BUDGET_MS * this.#slots) / Math.max(this.#typicalMs, 0.01);
    return Math.floor(Math.min(MAX_PREFETCH, inTime, MAX_BYTES / Math.max(this.#largest, 1)));
  }

  /** Longest payload of late, bytes. */
  get largest(): number {
    return this.#largest;
  }

  /** Learns how long an item took. */
  recordDuration(ms: number): void {
    this.#typicalMs += 0.1 * (ms - this.#typicalMs);
  }

  add(held: HeldItem[]): void {
    if (held.length === 0) return;
    this.#filledAt = performance.now();
    this.#largest >>= 1;
    for (const { payload } of held) this.#largest = Math.max(this.#largest, payload.length);
    this.#items = this.#items.length > 0 ? [...this.#items, ...held] : held;
  }

  /** Removes the first item; there is one. */
  shift(): HeldItem {
    return this.#items.shift()!;
  }

  /** The items have waited for too long. */
  isExpired(now: number): boolean {
    return this.#items.length > 0 && now - this.#filledAt > EXPIRY_MS;
  }

  /** Removes all items; from then on items count as slow. */
  takeAll(): HeldItem[] {
    this.#typicalMs = INITIAL_ESTIMATE_MS;
    return this.#items.splice(0);
  }
}
