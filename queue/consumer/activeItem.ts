import type { LeaseTable } from "./leaseTable.ts";
import type { ItemContext } from "../types.ts";

/** Longest log kept with an item, characters: its tail. */
const MAX_LOG_CHARS = 64 * 1024;

/** An item as a call to Redis brought it. */
export interface ReservedItem {
  id: number;
  payload: Buffer;
  failures: number;
  losses: number;
  /** Number of that call. */
  call: number;
}

/** Name of the lease of an item: a member of `leases`. */
export function leaseMember(session: string, { id, call }: Pick<ReservedItem, "id" | "call">): string {
  return `${id}:${session}.${call}`;
}

/** A running item; doubles as the handler's context. Allocated for every item, so `signal` and `log` are created lazily. */
export class ActiveItem implements ItemContext {
  readonly id: number;
  readonly bytes: Buffer;
  readonly failures: number;
  readonly losses: number;
  readonly member: string;
  readonly slot: number;
  readonly startedAt = performance.now();
  /** The time limit has passed: why the signal was aborted. */
  timedOut = false;
  /** Its outcome is known: whatever its handler does no longer matters. */
  isSettled = false;
  #controller?: AbortController;
  #abortReason?: Error;
  #log = "";
  readonly #onLine: ((item: ActiveItem, line: string) => void) | undefined;

  constructor(
    reserved: ReservedItem,
    session: string,
    slot: number,
    leases: LeaseTable,
    onLine: ((item: ActiveItem, line: string) => void) | undefined,
  ) {
    this.id = reserved.id;
    this.bytes = reserved.payload;
    this.failures = reserved.failures;
    this.losses = reserved.losses;
    this.member = leaseMember(session, reserved);
    this.slot = slot;
    this.#onLine = onLine;
    leases.take(slot, reserved, this.startedAt);
  }

  get attempt(): number {
    return this.failures + this.losses + 1;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#abortReason) this.#controller.abort(this.#abortReason);
    return this.#controller.signal;
  }

  /** Adds a line to the item's log. Bound, because handlers take it out of their context. */
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
  abort(reason: Error): void {
    this.#abortReason ??= reason;
    this.#controller?.abort(this.#abortReason);
  }
}
