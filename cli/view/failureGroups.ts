import type { ItemRecord } from "../../queue/types.ts";
import { textOf } from "./format.ts";

/** Items that failed for the same reason. */
export interface FailureGroup {
  /** The reason's first line, with what differs between its items (the item, pod and node) as `…`. */
  reason: string;
  count: number;
  /** The first of them. */
  example: ItemRecord;
}

/** Beyond so many different reasons the rest is one group: memory stays flat, and nobody reads more. */
const MAX_GROUPS = 1000;
const OTHER = "other reasons";

/** The same text for two items that failed alike: `cannot open a.txt` and `cannot open b.txt` are both `cannot open …`. */
export function reasonTemplate(record: ItemRecord): string {
  let reason = (record.reason ?? "no reason given").split("\n", 1)[0]!.trim() || "no reason given";
  const item = textOf(record.payload);
  const names = record.attempts.flatMap(({ pod, node }) => (node ? [pod, node] : [pod]));
  for (const name of item === undefined ? names : [item, ...names]) {
    // Shorter ones turn up inside other words.
    if (name.length >= 3) reason = reason.replaceAll(name, "…");
  }
  return reason;
}

/** Groups failed items by reason, the biggest group first. */
export class FailureGroups {
  #groups = new Map<string, FailureGroup>();

  add(record: ItemRecord): void {
    const own = reasonTemplate(record);
    const reason = this.#groups.has(own) || this.#groups.size < MAX_GROUPS ? own : OTHER;
    const group = this.#groups.get(reason);
    if (group) group.count++;
    else this.#groups.set(reason, { reason, count: 1, example: record });
  }

  sorted(): FailureGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count || a.example.id - b.example.id);
  }
}
