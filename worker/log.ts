// Log of the worker: the page's own lines, or a line of JSON for each event.
import { jsonLine, oneLine, severalLines } from "../config/foreignText.ts";
import type { ConsumerEvent } from "../queue/index.ts";

/** Longest part of an item that a log shows, characters. */
const MAX_SHOWN = 200;

/** An item as a log shows it: text on one line, harmless, not too long. */
export function printable(payload: Buffer): string {
  // A long one is not converted as a whole for its first words: four bytes a character, and as much white space again.
  const text = payload.toString("utf8", 0, 8 * MAX_SHOWN).replaceAll(/\s+/g, " ");
  const isCut = text.length > MAX_SHOWN || payload.length > 8 * MAX_SHOWN;
  return oneLine(isCut ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

const first = (text = "") => oneLine(text.split("\n", 1)[0]!);
const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;

/** The line of an event, as the page's worker would print it; undefined for events that it does not mention. */
export function textLine(event: ConsumerEvent): string | undefined {
  switch (event.type) {
    case "started":
      return `Worker with sessionID: ${event.session}\nInitial queue state: empty=${event.empty ? "True" : "False"}`;
    case "working":
      return `Working on ${printable(event.payload)}`;
    case "log":
      return severalLines(event.line);
    case "failed": {
      const next = event.retryInMs === undefined ? "given up" : `again in ${seconds(event.retryInMs)}`;
      return `Failed on ${printable(event.payload)} (attempt ${event.attempt}): ${first(event.why)}; ${next}`;
    }
    case "later":
      return `Put off ${printable(event.payload)}: again in ${seconds(event.retryInMs)}`;
    case "stray":
      return `An error of ${printable(event.payload)}, after its end: ${first(event.why)}`;
    case "stale":
      return `Item ${event.id} was taken from this worker, because its lease ran out or it was cancelled; this result is ignored`;
    case "waiting":
      return "Waiting for work";
    case "redis":
      return event.up ? "Redis is back" : `Redis is away: ${first(event.why)}`;
    case "unhealthy":
      return `This worker is unhealthy and stops: ${first(event.reason)}`;
    case "ended":
      return event.end === "finished"
        ? "Queue empty, exiting"
        : event.end === "aborted"
          ? "Batch aborted, exiting"
          : `Stopped (${event.end}), exiting`;
    case "done":
      return undefined;
  }
}

/** The same for a machine: time, type, and the event's fields, with the payload as text. */
export function jsonOf(event: ConsumerEvent): string {
  const { type, ...fields } = event;
  const item = "payload" in event ? { item: printable(event.payload) } : {};
  return jsonLine({ time: new Date().toISOString(), event: type, ...fields, payload: undefined, ...item });
}

/** Prints events as they come; an idle worker says so once, not at every look. */
export function logger(
  format: "text" | "json",
  write: (line: string) => void = console.log,
): (event: ConsumerEvent) => void {
  let idle = false;
  return (event) => {
    const repeated = event.type === "waiting" && idle;
    idle = event.type === "waiting";
    if (repeated) return;
    const line = format === "json" ? jsonOf(event) : textLine(event);
    if (line !== undefined) write(line);
  };
}
