// The consequence of a failed attempt: when its item is tried again, or that it is given up.
import { errorText, nameOf } from "../../errorText.ts";
import type { ConsumerOptions } from "../../types.ts";
import type { ActiveItem } from "./activeItem.ts";
import { backoff } from "./backoff.ts";

/** A failed attempt. */
export interface FailedAttempt {
  reason: string;
  /** The handler itself gave the item up (`DoNotRetry`), so the worker is not at fault. */
  isFinal: boolean;
  /** The item is given up. */
  isDead: boolean;
  /** Time until the next attempt, ms. */
  delayMs: number;
}

/** Decides it, from the error of the handler or the time limit. */
export function failedAttempt(
  { timedOut, failures: before }: Pick<ActiveItem, "timedOut" | "failures">,
  error: unknown,
  { retry, itemTimeoutMs }: Pick<ConsumerOptions, "retry" | "itemTimeoutMs">,
): FailedAttempt {
  const failures = before + 1;
  // By its name, not its class: a bundle may have two copies of it.
  const isFinal = !timedOut && nameOf(error) === "DoNotRetry";
  return {
    reason: timedOut ? `timed out after ${itemTimeoutMs / 1000} s` : errorText(error),
    isFinal,
    isDead: isFinal || failures >= retry.maxAttempts,
    delayMs: backoff(failures, retry.backoff),
  };
}

/** Delay that a handler asks for by throwing `TryLater`, ms. Known by its name, as `DoNotRetry`. */
export function laterBy(error: unknown): number | undefined {
  if (nameOf(error) !== "TryLater") return undefined;
  const { delayMs } = error as { delayMs?: unknown };
  return typeof delayMs === "number" && delayMs >= 0 ? Math.round(delayMs) : undefined;
}
