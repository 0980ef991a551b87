// The item for which code of a handler runs, known in everything that the code awaits, and in its callbacks.
import { AsyncLocalStorage } from "node:async_hooks";
import type { ActiveItem } from "./activeItem.ts";

const running = new AsyncLocalStorage<ActiveItem>();

/** Runs something, then and later, for an item. */
export function runFor<T, A extends unknown[]>(item: ActiveItem, act: (...args: A) => T, ...args: A): T {
  return running.run(item, act, ...args);
}

/** The item of the calling code; undefined if that runs for none in particular. */
export function runningItem(): ActiveItem | undefined {
  return running.getStore();
}
