// Errors that no promise of a handler carries: a rejection that nobody awaits, a throw in a callback.
import { runningItem } from "./attempts/attribution.ts";

const listeners = new Set<(error: unknown) => void>();

function onStrayError(error: unknown): void {
  const item = runningItem();
  if (item) item.onStrayError(error);
  else for (const listener of listeners) listener(error);
}

/**
 * Catches stray errors of this process, instead of Node.js ending it. Those of an item's handler go to the item.
 * @param listener Told of the others.
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
