// Errors that no promise of a handler carries: a rejection that nobody awaits, a throw in a callback.
import { AsyncLocalStorage } from "node:async_hooks";

/** Somebody whose code may throw where nobody catches it. */
export interface StrayErrorOwner {
  onStrayError(error: unknown): void;
}

const owners = new AsyncLocalStorage<StrayErrorOwner>();
const listeners = new Set<(error: unknown) => void>();

/** Runs something whose stray errors, then and later, are its owner's. */
export function ownStrayErrors<T, A extends unknown[]>(owner: StrayErrorOwner, act: (...args: A) => T, ...args: A): T {
  return owners.run(owner, act, ...args);
}

function onStrayError(error: unknown): void {
  const owner = owners.getStore();
  if (owner) owner.onStrayError(error);
  else for (const listener of listeners) listener(error);
}

/**
 * Catches stray errors of this process, instead of Node.js ending it. Those with an owner go there.
 * @param listener Told of those without: of code that runs for no item in particular.
 * @returns What ends it.
 */
export function catchStrayErrors(listener: (error: unknown) => void): () => void {
  if (listeners.size === 0) {
    process.on("unhandledRejection", onStrayError);
    process.on("uncaughtException", onStrayError);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    process.off("unhandledRejection", onStrayError);
    process.off("uncaughtException", onStrayError);
  };
}
