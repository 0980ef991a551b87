// The end of an attempt: what Redis is told of it, and whoever listens to the consumer.
import { Unfinished } from "../../unfinished.ts";
import type { OutcomeKind } from "../../redis/callContent.ts";
import type { ConsumerEvent, ConsumerOptions } from "../../types.ts";
import type { ActiveItem } from "./activeItem.ts";
import { failedAttempt, laterBy } from "./failedAttempt.ts";
import { encodeDone, encodeFailed, encodeLater, encodeLost, encodeReleased } from "./outcomeLine.ts";

/** The end of an attempt. */
export interface AttemptEnd {
  kind: OutcomeKind;
  /** Its line in the record. */
  line: string;
  /** The item's log, if it is kept. */
  log?: string | undefined;
  event?: ConsumerEvent;
}

/** The handler returned. @throws TypeError for a value that has no JSON, like a BigInt. */
export function success(item: ActiveItem, value: unknown, now: number, options: ConsumerOptions): AttemptEnd {
  const ms = item.elapsed(now);
  return {
    kind: { kind: "done" },
    line: encodeDone(ms, value, options),
    log: options.keepLogs === "all" ? item.logTail : undefined,
    event: { type: "done", id: item.id, payload: item.bytes, ms },
  };
}

/** The handler threw, or its time ran out. `reason` and `isFinal` tell how it failed, if it did. */
export function failure(item: ActiveItem, error: unknown, now: number, options: ConsumerOptions) {
  if (error instanceof Unfinished) return { end: unfinished(item, error, now) };
  const laterMs = item.timedOut ? undefined : laterBy(error);
  if (laterMs !== undefined) return { end: putOff(item, laterMs, now) };
  const failed = failedAttempt(item, error, options);
  const { reason, isDead, delayMs } = failed;
  const end: AttemptEnd = {
    kind: isDead ? { kind: "dead" } : { kind: "retry", delayMs },
    line: encodeFailed(item.timedOut ? "t" : "f", item.elapsed(now), reason),
    log: item.logTail,
    event: {
      type: "failed",
      id: item.id,
      payload: item.bytes,
      attempt: item.attempt,
      why: reason,
      ...(!isDead && { retryInMs: delayMs }),
    },
  };
  return { end, failed };
}

/** The attempt did not get to its end, and its item is not to blame. */
function unfinished(item: ActiveItem, { kind, message }: Unfinished, now: number): AttemptEnd {
  return kind === "lost" ? lost(item, message) : released(item, now);
}

/** The item is one of several that may have broken the process. */
export function lost(item: ActiveItem, reason: string): AttemptEnd {
  return { kind: { kind: "lost" }, line: encodeLost(reason), log: item.logTail };
}

/** The item is given back at no cost. */
export function released(item: ActiveItem, now: number): AttemptEnd {
  return { kind: { kind: "released" }, line: encodeReleased(item.elapsed(now)) };
}

/** The handler wants to try again after a time. */
function putOff(item: ActiveItem, delayMs: number, now: number): AttemptEnd {
  return {
    kind: { kind: "later", delayMs },
    line: encodeLater(item.elapsed(now)),
    log: item.logTail,
    event: { type: "later", id: item.id, payload: item.bytes, retryInMs: delayMs },
  };
}
