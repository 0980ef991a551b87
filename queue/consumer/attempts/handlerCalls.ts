import type { ConsumerOptions } from "../../types.ts";
import type { Reservations } from "../reservations.ts";
import type { ActiveItem } from "./activeItem.ts";
import { runFor } from "./attribution.ts";

/** If a handler blocks the event loop for longer than this, ms, outcomes and replies have their turn next. */
const BLOCKED_MS = 10;

/** Listener to handlers that end. */
export interface HandlerListener {
  onReturned(item: ActiveItem, value: unknown): void;
  onThrown(item: ActiveItem, error: unknown): void;
}

/** Calls the handler on items, and tells Redis which items were begun. */
export class HandlerCalls {
  readonly #options: ConsumerOptions;
  readonly #reservations: Reservations;
  readonly #noteBegun: (items: ActiveItem[]) => Promise<void>;
  readonly #listener: HandlerListener;

  /** @param noteBegun Tells Redis of items that were begun. */
  constructor(
    options: ConsumerOptions,
    reservations: Reservations,
    noteBegun: (items: ActiveItem[]) => Promise<void>,
    listener: HandlerListener,
  ) {
    this.#options = options;
    this.#reservations = reservations;
    this.#noteBegun = noteBegun;
    this.#listener = listener;
  }

  /**
   * Calls it on each, in turn. Redis is told of the first item before its handler is called, and of the items that
   * still run afterwards, so it never counts an item that was not begun. If items are quick, telling costs too much.
   */
  callInTurn(items: ActiveItem[]): void {
    const others = items.filter(({ isTold }) => !isTold);
    if (others.length < items.length) void this.#callTold(items.filter(({ isTold }) => isTold));
    const [first] = others;
    const isTelling = this.#reservations.prefetched.capacity === 0;
    if (first && isTelling) void this.#noteBegun([first]);
    const rest = this.#callUntilBlocked(others);
    const begun = others.filter((item) => item !== first && item.startedAt > 0 && !item.isSettled);
    if (isTelling && begun.length > 0) void this.#noteBegun(begun);
    if (rest.length > 0) setImmediate(() => this.callInTurn(rest));
  }

  /** The same for items with which workers vanished: each waits until Redis was told of it. */
  async #callTold(items: ActiveItem[]): Promise<void> {
    for (const item of items) {
      await this.#noteBegun([item]);
      if (!item.isSettled) this.#call(item);
    }
  }

  /** Calls it on one that was taken ahead. */
  callNext(item: ActiveItem): void {
    if (item.isTold) void this.#callTold([item]);
    else this.#call(item);
  }

  /** @returns Items that were not begun, since an earlier one blocked the event loop. */
  #callUntilBlocked(items: ActiveItem[]): ActiveItem[] {
    for (let index = 0; index < items.length; index++) {
      const item = items[index]!;
      if (item.isSettled) continue; // it was released before it was begun
      this.#call(item);
      if (index === items.length - 1 || performance.now() - item.startedAt < BLOCKED_MS) continue;
      return items.slice(index + 1);
    }
    return [];
  }

  /** Calls it on an item. One that returns no promise costs none. */
  #call(item: ActiveItem): void {
    const { handler, onEvent } = this.#options;
    item.startedAt = performance.now();
    this.#reservations.begin(item);
    onEvent?.({ type: "working", id: item.id, payload: item.bytes, attempt: item.attempt });
    try {
      const value = runFor(item, handler, item.bytes.toString(), item);
      if (value instanceof Promise || typeof (value as PromiseLike<unknown> | undefined)?.then === "function") {
        (value as Promise<unknown>).then(
          (result) => this.#listener.onReturned(item, result),
          (error: unknown) => this.#listener.onThrown(item, error),
        );
      } else this.#listener.onReturned(item, value);
    } catch (error) {
      this.#listener.onThrown(item, error);
    }
  }
}
