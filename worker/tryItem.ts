// One attempt at one item, on this machine, without a queue: what `wq try` does.
import { DoNotRetry, type Handler, percentLog } from "../queue/index.ts";

/** The end of the attempt. */
export type Trial =
  { outcome: "done"; result: unknown } | { outcome: "failed"; reason: string; stack?: string; isFinal: boolean };

/** Limits of the attempt, and where its log goes. */
export interface TrialOptions {
  timeoutMs: number;
  /** Aborts the attempt. */
  signal: AbortSignal;
  log: (line: string) => void;
}

/**
 * Runs the handler on the item. A handler that ignores its signal still fails at the time limit, as in the worker.
 */
export async function tryItem(handler: Handler, item: string, options: TrialOptions): Promise<Trial> {
  const { timeoutMs, log } = options;
  const abort = new AbortController();
  const stop = () => abort.abort(options.signal.reason);
  options.signal.addEventListener("abort", stop);
  const late = new Error(`The time limit of ${timeoutMs / 1000} s is over`);
  const timer = setTimeout(() => abort.abort(late), timeoutMs);
  const { signal } = abort;
  try {
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason as Error));
    });
    const context = { id: 1, attempt: 1, signal, bytes: Buffer.from(item), log, progress: percentLog(log) };
    return { outcome: "done", result: await Promise.race([handler(item, context), aborted]) };
  } catch (error) {
    const [reason = "", ...frames] = (error instanceof Error ? error.message : String(error)).split("\n");
    const stack = frames.length > 0 ? { stack: frames.join("\n") } : {};
    return { outcome: "failed", reason, ...stack, isFinal: error instanceof DoNotRetry };
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener("abort", stop);
  }
}
