import { MAX_LOG_CHARS } from "../../limits.ts";
import { percentLog } from "../../percentLog.ts";
import { runFor } from "./attribution.ts";
import type { ItemContext } from "../../types.ts";
import type { ReservedItem } from "../../redis/callContent.ts";

/** An item that this worker holds, with the row of its lease in the worker's table, and the lease's name. */
export type HeldItem = ReservedItem & { row: number; member: string };

/** Name of the lease of an item: a member of `leases`. */
export function leaseMember(session: string, { id, call }: Pick<ReservedItem, "id" | "call">): string {
  return `${id}:${session}.${call}`;
}

/** Listener to an item that runs. */
export interface ItemListener {
  onLine(item: ActiveItem, line: string): void;
  onStrayError(item: ActiveItem, error: unknown): void;
}

/**
 * An item in a slot; doubles as the handler's context. Allocated for every item, so `signal` and `log` are created
 * lazily.
 */
export class ActiveItem implements ItemContext {
  readonly id: number;
  readonly bytes: Buffer;
  readonly failures: number;
  readonly losses: number;
  readonly member: string;
  readonly row: number;
  readonly deadline: number;
  readonly isTold: boolean;
  readonly runsAlone: boolean;
  readonly isSample: boolean;
  /** Time of the call of its handler, ms; 0: not yet. */
  startedAt = 0;
  /** Longest time that its process stood still meanwhile, ms. */
  stillMs = 0;
  /** True if the signal was aborted because the time limit has passed. */
  timedOut = false;
  /** Its outcome is known: whatever its handler does no longer matters. */
  isSettled = false;
  #controller?: AbortController;
  #abortReason?: Error;
  #log = "";
  #progress?: (share: number) => void;
  readonly #listener: ItemListener;

  constructor(held: HeldItem, listener: ItemListener) {
    this.id = held.id;
    this.bytes = held.payload;
    this.failures = held.failures;
    this.losses = held.losses;
    this.member = held.member;
    this.row = held.row;
    this.deadline = held.deadline;
    this.isTold = held.isTold;
    this.runsAlone = held.runsAlone;
    this.isSample = held.isSample ?? false;
    this.#listener = listener;
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
      this.#listener.onLine(this, line);
    };
  }

  get progress(): (share: number) => void {
    return (this.#progress ??= percentLog(this.log));
  }

  /** The tail of the log. */
  get logTail(): string {
    return this.#log.slice(-MAX_LOG_CHARS);
  }

  /** Time that its handler has run, ms. */
  elapsed(now: number): number {
    return this.startedAt > 0 ? now - this.startedAt : 0;
  }

  /** Tells the handler to stop. */
  abort(reason: Error): void {
    this.#abortReason ??= reason;
    // An error of a listener is this item's.
    if (this.#controller) runFor(this, () => this.#controller!.abort(this.#abortReason));
  }

  onStrayError(error: unknown): void {
    this.#listener.onStrayError(this, error);
  }
}
