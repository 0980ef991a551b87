import type { Outcome, OutcomeKind } from "../../redis/callContent.ts";

/** Payloads of this length do not move with their records. */
const LONG_PAYLOAD = 32 * 1024;

/** The item of an outcome, and its lease. */
export interface Settled {
  id: number;
  row: number;
  /** Name of the lease. */
  member: string;
  payload: Buffer;
}

/** Outcomes that Redis was not sent yet, the oldest first. */
export class OutcomeQueue {
  readonly #waiting: Outcome[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  /** @param line The attempt's line of the record. @param log The item's log, if it is kept. */
  add({ id, row, member, payload }: Settled, kind: OutcomeKind, line: string, log?: string): void {
    const bytes = movedBytes(payload) + line.length + (log?.length ?? 0);
    this.#waiting.push({ ...kind, id, member, line, log, row, bytes });
  }

  /** Takes outcomes out, to be acknowledged: at least one, however long it is. */
  take(maxCount: number, maxBytes: number): Outcome[] {
    let [count, bytes] = [0, 0];
    while (count < maxCount && count < this.#waiting.length) {
      bytes += this.#waiting[count]!.bytes!;
      if (bytes > maxBytes && count > 0) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

/** Bytes of a payload that a script moves: long ones lie by themselves (scripts/includes/records.lua). */
function movedBytes(payload: Buffer): number {
  return payload.length < LONG_PAYLOAD ? payload.length : 0;
}
