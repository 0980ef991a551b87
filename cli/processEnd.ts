// The end of this process, and what has to be undone before it.
import { constants } from "node:os";
import { printedOut } from "../worker/processes/printedOut.ts";

const undone = new Set<() => Promise<void>>();
let isEnding = false;

/**
 * Notes what must be undone, however the process ends: normally, by an error, by Ctrl-C.
 * @returns A function that undoes it now. It acts once, and never throws.
 */
export function beforeEnd(undo: () => Promise<unknown>): () => Promise<void> {
  if (undone.size === 0) for (const signal of SIGNALS) process.on(signal, onSignal);
  let running: Promise<void> | undefined;
  const once = () => {
    running ??= undo()
      .catch(() => {})
      .then(() => {
        undone.delete(once);
        if (undone.size === 0) for (const signal of SIGNALS) process.off(signal, onSignal);
      });
    return running;
  };
  undone.add(once);
  return once;
}

/** Ends the process, after that, and after all that was printed is out. */
export async function endProcess(code: number): Promise<never> {
  await Promise.all([...undone].map((undo) => undo()));
  await printedOut();
  process.exit(code);
}

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** npm and our launcher repeat a signal that the terminal has already sent: signals within this time are one, ms. */
const ECHO_MS = 300;

/** A listener to a signal that is called once for each Ctrl-C. */
export function onceEach(listener: (signal: NodeJS.Signals) => void): (signal: NodeJS.Signals) => void {
  let last = -Infinity;
  return (signal) => {
    const now = performance.now();
    if (now - last < ECHO_MS) return;
    last = now;
    listener(signal);
  };
}

/** A verb that listens as well answers by itself. A second signal ends the process at once. */
const onSignal = onceEach((signal) => {
  if (process.listenerCount(signal) > 1) return;
  const code = 128 + constants.signals[signal];
  if (isEnding) process.exit(code);
  isEnding = true;
  void endProcess(code);
});
