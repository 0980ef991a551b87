import { itemText } from "../itemText.ts";
import type { ItemRecord } from "../types.ts";

/** Outcomes as people read them. */
const OUTCOMES = { done: "done", dead: "failed", running: "running", delayed: "retrying" } as const;

/** One line of `wq results`: an item that is settled, or as far as it got. */
export interface ResultRow {
  /** Number of the item in the order in which items were first given, from 1. */
  id: number;
  /** Its text; if its bytes are not UTF-8, `base64:` and the bytes in base64. */
  item: string;
  outcome: (typeof OUTCOMES)[ItemRecord["outcome"]];
  /**
   * The handler's return value as JSON, or a command's standard output, as a string if it is no JSON; null
   * if there is none.
   */
  result: unknown;
  /** Number of attempts, including those cut short by a shutdown or a lost worker. */
  attempts: number;
  /** The pod and the times of the last attempt: ISO 8601 by the clock of Redis, milliseconds. */
  pod: string | null;
  start: string | null;
  end: string | null;
  duration: number | null;
  /** First line of why it failed, or why it last came back (the stack is in `logs`); null for one that is done. */
  reason: string | null;
}

/** The columns of a row, in their order. */
export const COLUMNS = [
  "id",
  "item",
  "outcome",
  "result",
  "attempts",
  "pod",
  "start",
  "end",
  "duration",
  "reason",
] as const satisfies (keyof ResultRow)[];

/** True when the outcome will not change by itself. */
export const isSettled = ({ outcome }: ItemRecord): boolean => outcome === "done" || outcome === "dead";

/** JSON of at most this many characters has fewer levels than V8 can write, which are some 4,000. */
const SURELY_FLAT = 4_000;
/** Levels that a caller may add around a value before writing it. */
const AROUND = 200;

/** The value of JSON; else the text itself, even if this is JSON that is nested too deep to be written again. */
function parseValue(text: string | undefined): unknown {
  if (text === undefined) return null;
  try {
    const value = JSON.parse(text) as unknown;
    if (text.length > SURELY_FLAT) JSON.stringify(Array.from({ length: AROUND }).reduce((inner) => [inner], value));
    return value;
  } catch {
    return text;
  }
}

const iso = (ms: number | undefined) => (ms ? new Date(ms).toISOString() : null);

/** An item's record as a row of results. */
export function resultRow({ id, payload, outcome, value, reason, attempts }: ItemRecord): ResultRow {
  const last = attempts.at(-1);
  return {
    id,
    item: itemText(payload),
    outcome: OUTCOMES[outcome],
    result: parseValue(value),
    attempts: attempts.length,
    pod: last?.pod ?? null,
    start: iso(last?.start),
    end: iso(last?.end),
    duration: last?.end ? last.end - last.start : null,
    reason: outcome === "done" || reason === undefined ? null : reason.split("\n", 1)[0]!,
  };
}
