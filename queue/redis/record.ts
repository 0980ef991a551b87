import type { Attempt, AttemptOutcome, ItemRecord } from "../types.ts";

/** Place of a session's attempts, from `workers`. */
export type Origin = { pod: string; node?: string };

/**
 * A record as it lies in `items` or `results`, parsed: {@link ItemRecord} and, while it is leased, since when and by
 * whom.
 */
export type ParsedRecord = ItemRecord & { lease?: { session: string; since: number } };

const ENDS: Record<string, AttemptOutcome> = { d: "done", f: "failed", t: "timeout", r: "released", l: "lost" };
const EMPTY_LINE = Buffer.from("\n\n");

/**
 * Parses a record: lines, newest first, an empty line, the payload (docs/queue/keys.md has the grammar).
 * @param id The item's id.
 * @param record The bytes of the hash field.
 * @param settled True for a record of `results`, false for one of `items`.
 * @param originOf Where a session ran; unknown sessions are named by themselves.
 * @throws Error when the record is not one.
 */
export function parseRecord(
  id: number,
  record: Buffer,
  settled: boolean,
  originOf: (session: string) => Origin = (session) => ({ pod: session }),
): ParsedRecord {
  const head = record[0] === 10 ? 0 : record.indexOf(EMPTY_LINE) + 1;
  if (head === 0 && record[0] !== 10)
    throw new Error(`The record of item ${id} has no payload: was it edited by hand?`);
  const lines = record
    .toString("utf8", 0, head)
    .split("\n")
    .filter((line) => line !== "");
  const parsed: ParsedRecord = {
    id,
    payload: record.subarray(head + 1),
    outcome: "delayed",
    attempts: [],
  };
  let end: string | undefined;
  for (const [index, line] of lines.entries()) {
    if (line === "q") continue;
    if (line[0] === "c") {
      parsed.reason = text(line.slice(line.indexOf(" ") + 1));
      continue;
    }
    if (line[0]! in ENDS) {
      end = line;
      continue;
    }
    const [, , began, holder = ""] = line.split(" ");
    const start = dated(Number(began));
    const [session = ""] = holder.split(".");
    if (end) parsed.attempts.unshift(attempt(end, start, originOf(session)));
    else if (index === 0) parsed.lease = { session, since: start };
    end = undefined;
  }
  const last = parsed.attempts.at(-1);
  if (settled) parsed.outcome = lines[0]?.[0] === "d" ? "done" : "dead";
  else if (parsed.lease) parsed.outcome = "running";
  if (parsed.outcome === "done") Object.assign(parsed, value(lines[0]!));
  else if (last) parsed.reason ??= last.error ?? last.outcome;
  return parsed;
}

/** Sessions whose attempts a record tells of. */
export function sessionsOf(record: Buffer): string[] {
  const head = record[0] === 10 ? 0 : record.indexOf(EMPTY_LINE) + 1;
  const lines = record.toString("utf8", 0, head).split("\n");
  return lines.flatMap((line) => /^\d+ \d+ \d+ ([^ .]+)/.exec(line)?.[1] ?? []);
}

/** A time that a date can have, ms; 0 for any other. A holder of the password may write anything. */
export const dated = (ms: number): number => (Math.abs(ms) <= 8.64e15 ? ms : 0);

/** One attempt from its end-line; times of an end-line are durations, except those of a lost lease. */
function attempt(line: string, start: number, origin: Origin): Attempt {
  const outcome = ENDS[line[0]!]!;
  const [time = "0", heard = ""] = line.slice(1).split(" ", 2);
  const end = dated(outcome === "lost" ? Number(time) : start + Number(time));
  const error = errorOf(line, outcome, origin, heard);
  return { ...origin, start, end, outcome, ...(error !== undefined && { error }) };
}

/** Reason for the end of an attempt, if there is one to tell. */
function errorOf(line: string, outcome: AttemptOutcome, origin: Origin, heard: string): string | undefined {
  const rest = (words: number) => line.split(" ").slice(words).join(" ");
  if (outcome === "failed" || outcome === "timeout") return text(rest(1));
  if (outcome === "lost") return rest(2) ? `lost: ${text(rest(2))}` : lostReason(origin, dated(Number(heard)));
  if (outcome === "released" && heard === "silence") return SILENCE;
  if (outcome === "released" && heard === "unbegun") return UNBEGUN;
  if (outcome === "released" && heard === "later") return `put off by its handler, ${rest(2)} times in a row`;
  return undefined;
}

const SILENCE =
  "no worker was heard for a while: Redis was away, or every worker was gone; not counted against the item";

const UNBEGUN = "its worker vanished before the item was begun, as far as is known; not counted against the item";

function lostReason({ pod, node }: Origin, heard: number): string {
  const since = heard > 0 ? `, last heard at ${new Date(heard).toISOString()}` : "";
  return `lost: pod ${pod}${node ? ` on node ${node}` : ""} vanished with the item in flight${since}`;
}

function value(line: string): Pick<ItemRecord, "value" | "truncated"> {
  const space = line.indexOf(" ");
  if (space < 0) return {};
  return { value: line.slice(space + 2), ...(line[space + 1] === "~" && { truncated: true }) };
}

/** A reason is a JSON string; one that is not (cut, or written by another hand) is shown as it is. */
function text(json: string): string {
  try {
    return String(JSON.parse(json));
  } catch {
    return json;
  }
}
