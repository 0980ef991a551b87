import type { ItemRecord } from "../../queue/types.ts";
import { textOf } from "./format.ts";

/** One line of `npm run results`: an item that is settled, or as far as it got. */
export interface ResultRow {
  /** The number in which it was first given, from 1. */
  id: number;
  /** Its text; where its bytes are not UTF-8, `base64:` and its bytes so. */
  item: string;
  outcome: ItemRecord["outcome"];
  /** What the handler returned: a JSON value; a command's standard output as a string; null where there is none. */
  result: unknown;
  /** How often it was tried, attempts cut short by a shutdown or a lost worker included. */
  attempts: number;
  /** Of the last attempt: who made it, ISO 8601 times by the clock of Redis, milliseconds. */
  pod: string | null;
  start: string | null;
  end: string | null;
  duration: number | null;
  /** Why it failed, or why it last came back, on one line (the stack is in `logs`); null for one that is done. */
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

/** Outcomes that will not change by themselves. */
export const isSettled = (record: ItemRecord): boolean => record.outcome === "done" || record.outcome === "dead";

/** JSON where it is JSON, else the text itself. */
function valueOf(text: string | undefined): unknown {
  if (text === undefined) return null;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const iso = (ms: number | undefined) => (ms ? new Date(ms).toISOString() : null);

/** An item's record as a row of results. */
export function resultRow(record: ItemRecord): ResultRow {
  const last = record.attempts.at(-1);
  return {
    id: record.id,
    item: textOf(record.payload) ?? `base64:${record.payload.toString("base64")}`,
    outcome: record.outcome,
    result: valueOf(record.value),
    attempts: record.attempts.length,
    pod: last?.pod ?? null,
    start: iso(last?.start),
    end: iso(last?.end),
    duration: last?.end ? last.end - last.start : null,
    reason: record.outcome === "done" ? null : (record.reason?.split("\n", 1)[0] ?? null),
  };
}
