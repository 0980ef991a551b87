import { isUtf8 } from "node:buffer";
import prettyMs from "pretty-ms";
import stringWidth from "string-width";

/** The payload as text; undefined where its bytes are not UTF-8. */
export function textOf(payload: Buffer): string | undefined {
  return isUtf8(payload) ? payload.toString("utf8") : undefined;
}

// eslint-disable-next-line no-control-regex -- these are what would break a line or drive a terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/** On one line of at most `max` columns, and harmless in a terminal: what an item, a reason or a name may hold is not ours to trust. */
export function oneLine(text: string, max = Infinity): string {
  const flat = text.replace(CONTROL, (char) =>
    char === "\n" ? "\\n" : char === "\t" ? "\\t" : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return cut(flat, max);
}

/** As much of the text as `max` columns of a terminal show. */
function cut(text: string, max: number): string {
  if (text.length * 2 <= max) return text;
  let width = 0;
  let room = 0; // what fits with an ellipsis after it
  for (const char of text) {
    width += char < "\u007f" ? 1 : stringWidth(char);
    if (width > max) return `${text.slice(0, room)}…`;
    if (width < max) room += char.length;
  }
  return text;
}

/** An item's name for people: its text on one line, or its bytes in base64. */
export function displayName(payload: Buffer, max = 60): string {
  const text = textOf(payload.length > 4 * max ? payload.subarray(0, 4 * max) : payload);
  if (text === undefined && payload.length > 4 * max && isUtf8(payload)) return oneLine(payload.toString("utf8"), max);
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
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}

/** `1 item`, `2 items`. */
export function pluralize(n: number, one: string, many = `${one}s`): string {
  return `${formatNumber(n)} ${n === 1 ? one : many}`;
}
