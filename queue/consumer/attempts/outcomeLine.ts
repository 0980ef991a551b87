import type { ConsumerOptions } from "../../types.ts";

/** The line of an attempt that succeeded: how long it took, and what the handler returned, capped. */
export function encodeDone(
  ms: number,
  value: unknown,
  { maxResultBytes, keepResults }: Pick<ConsumerOptions, "maxResultBytes" | "keepResults">,
): string {
  const took = Math.max(0, Math.round(ms));
  if (value === undefined || keepResults === "failed") return `d${took}\n`;
  const json = JSON.stringify(value);
  if (json === undefined) return `d${took}\n`;
  if (json.length * 3 <= maxResultBytes || Buffer.byteLength(json) <= maxResultBytes) return `d${took} =${json}\n`;
  // Cut between two characters: one that is broken in the middle decodes to a replacement at the end.
  const cut = Buffer.from(json.slice(0, maxResultBytes))
    .toString("utf8", 0, maxResultBytes)
    .replace(/\uFFFD$/, "");
  return `d${took} ~${cut}\n`;
}

/** The line of an attempt that failed (`f`) or ran out of time (`t`). */
export function encodeFailed(kind: "f" | "t", ms: number, reason: string): string {
  return `${kind}${Math.max(0, Math.round(ms))} ${JSON.stringify(reason)}\n`;
}

/** The line of an attempt that was given back. */
export function encodeReleased(ms: number): string {
  return `r${Math.max(0, Math.round(ms))}\n`;
}

/** The line of an attempt that was put off; Redis adds how often in a row. */
export function encodeLater(ms: number): string {
  return `r${Math.max(0, Math.round(ms))} later\n`;
}

/** The part that Redis completes to the line of a lost attempt. */
export function encodeLost(reason: string): string {
  return `${JSON.stringify(reason)}\n`;
}
