import type { ConsumerOptions } from "../types.ts";

/** How an item is to be settled, in the words of ack-and-reserve.lua. */
export interface Outcome {
  id: number;
  /** Its member of `leases`. */
  member: string;
  /** The line that goes in front of its record. */
  line: string;
  /** Ms until it may be taken again, `dead`, or undefined for done. */
  again: number | "dead" | undefined;
  /** The tail of its log, where it is to be kept. */
  log?: string | undefined;
}

/** The line of an item that is done: how long it took, and what the handler returned, capped. */
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
  const cut = Buffer.from(json)
    .toString("utf8", 0, maxResultBytes)
    .replace(/\uFFFD$/, "");
  return `d${took} ~${cut}\n`;
}

/** The line of an attempt that failed (`f`) or ran out of time (`t`). */
export function encodeFailed(kind: "f" | "t", ms: number, reason: string): string {
  return `${kind}${Math.max(0, Math.round(ms))} ${JSON.stringify(reason)}\n`;
}
