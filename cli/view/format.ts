import { isUtf8 } from "node:buffer";
import prettyMs from "pretty-ms";
import stringWidth from "string-width";
import { oneLine as harmlessLine } from "../../config/foreignText.ts";
import type { Counts } from "../../queue/index.ts";

/** Counts as JSON for users, who read "failed" for what is dead. */
export const countsJson = (counts: Counts): Record<string, unknown> =>
  Object.fromEntries(Object.entries(counts).map(([name, value]) => [name === "dead" ? "failed" : name, value]));

/** The payload as text; undefined if its bytes are not UTF-8. */
export function textOf(payload: Buffer): string | undefined {
  return isUtf8(payload) ? payload.toString("utf8") : undefined;
}

/** The text on one line of at most `max` columns, harmless in a terminal. */
export function oneLine(text: string, max = Infinity): string {
  return truncate(harmlessLine(text), max);
}

/** As much of the text as `max` columns of a terminal show. */
function truncate(text: string, max: number): string {
  if (text.length * 2 <= max) return text;
  let width = 0;
  let end = 0; // end of the text that fits with an ellipsis
  for (const char of text) {
    width += char < "\u007f" ? 1 : stringWidth(char);
    if (width > max) return `${text.slice(0, end)}…`;
    if (width < max) end += char.length;
  }
  return text;
}

/** An item's name for people: its text on one line, or its bytes in base64. */
export function displayName(payload: Buffer, max = 60): string {
  const isLong = payload.length > 4 * max;
  const text = textOf(isLong ? payload.subarray(0, 4 * max) : payload);
  // The cut may have gone through a character.
  if (text === undefined && isLong && isUtf8(payload)) return oneLine(payload.toString("utf8"), max);
  if (text === undefined) return oneLine(`base64:${payload.toString("base64")}`, max);
  return text === "" ? '""' : oneLine(text, max);
}

/** `2h 13m`, `45s`, `320ms`: two units at most. */
export function formatDuration(ms: number): string {
  return prettyMs(Math.max(0, ms < 1000 ? Math.round(ms) : ms), {
    unitCount: 2,
    secondsDecimalDigits: ms < 10_000 ? 1 : 0,
  });
}

/** `12,345`, and `3.4` below ten. */
export function formatNumber(value: number): string {
  const digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

/** `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  const power = Math.max(
    0,
    units.findLastIndex((_, power) => bytes >= 1024 ** power),
  );
  return `${formatNumber(bytes / 1024 ** power)} ${units[power]}`;
}

/** `1 item`, `2 items`. */
export function pluralize(count: number, one: string, many = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : many}`;
}
