import type { LeaseTable } from "./leaseTable.ts";
import type { ItemContext } from "../types.ts";

/** Longest log kept with an item, characters: its tail. */
const MAX_LOG_CHARS = 64 * 1024;

/** An item as an exchange gives it. */
export interface ReservedItem {
  id: number;
  payload: Buffer;
  failures: number;
  losses: number;
  /** Number of the exchange. */
  exchange: number;
}

/** An item in hand, which is also what its handler is given as context. Made for every item, so what few handlers use is made when it is asked for. */
export class ActiveItem implements ItemContext {
  readonly id: number;
  readonly bytes: Buffer;
  readonly failures: number;
  readonly losses: number;
  readonly member: string;
  readonly slot: number;
  readonly startedAt = performance.now();
  /** Set when the item's time is up: why the signal was aborted. */
  timedOut = false;
  /** Settled, released or lost: whatever its handler does is of no interest any more. */
  isSettled = false;
  #abort?: AbortController;
  #aborted?: Error;
  #log = "";
  readonly #onLine: ((job: ActiveItem, line: string) => void) | undefined;

  constructor(
    taken: ReservedItem,
    session: string,
    slot: number,
    leases: LeaseTable,
    onLine: ((job: ActiveItem, line: string) => void) | undefined,
  ) {
    this.id = taken.id;
    this.bytes = taken.payload;
    this.failures = taken.failures;
    this.losses = taken.losses;
    this.member = `${taken.id}:${session}.${taken.exchange}`;
    this.slot = slot;
    this.#onLine = onLine;
    leases.take(slot, taken, this.startedAt);
  }

  get attempt(): number {
    return this.failures + this.losses + 1;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#aborted) this.#abort.abort(this.#aborted);
    return this.#abort.signal;
  }

  /** A line for the log of this item. Made when asked for, and bound: handlers take it out of their context. */
  get log(): (line: string) => void {
    return (line) => {
      this.#log = `${this.#log}${line}\n`;
      // Cut now and then, not at every line.
      if (this.#log.length > 2 * MAX_LOG_CHARS) this.#log = this.#log.slice(-MAX_LOG_CHARS);
      this.#onLine?.(this, line);
    };
  }

  /** The tail of the log. */
  get logTail(): string {
    return this.#log.slice(-MAX_LOG_CHARS);
  }

  /** Tells the handler to stop. */
  abortAll(reason: Error): void {
    this.#aborted ??= reason;
    this.#abort?.abort(this.#aborted);
  }
}
