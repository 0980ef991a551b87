import type { ActiveItem } from "./activeItem.ts";

/** After its time limit, a handler has this long to stop before its item is given up, ms. */
const ABORT_GRACE_MS = 5_000;

/** The time limit of attempts: they are told to stop, and given up when they do not. */
export class TimeLimit {
  readonly #limitMs: number;
  readonly #giveUp?: (item: ActiveItem) => void;
  #tickedAt = performance.now();

  /** @param giveUp Ends an attempt that does not stop; absent if somebody else does. */
  constructor(limitMs: number, giveUp?: (item: ActiveItem) => void) {
    this.#limitMs = limitMs;
    this.#giveUp = giveUp;
  }

  /** Called while the event loop turns. @param items Attempts. */
  tick(items: Set<ActiveItem>, now: number): void {
    // While one handler blocks, the others stand still. Nobody knows which one it was, so each is excused once.
    const stillMs = now - this.#tickedAt;
    for (const item of items) item.stillMs = Math.max(item.stillMs, Math.min(stillMs, item.elapsed(now)));
    this.#tickedAt = now;
    // Handlers that ended while this process stood still are heard first.
    setImmediate(() => this.#check(items, now));
  }

  #check(items: Set<ActiveItem>, now: number): void {
    for (const item of items) {
      const overdueMs = item.elapsed(now) - item.stillMs - this.#limitMs;
      if (overdueMs < 0) continue;
      if (!item.timedOut) {
        item.timedOut = true;
        item.abort(new Error(`The time limit of ${this.#limitMs / 1000} s is over`));
      } else if (overdueMs > Math.min(ABORT_GRACE_MS, this.#limitMs)) this.#giveUp?.(item);
    }
  }
}
