import type { ItemRecord } from "../../queue/index.ts";
import { textOf } from "./format.ts";

/** Items that failed for the same reason. */
export interface FailureGroup {
  /**
   * First line of the reason. What differs between items is replaced: the item, pod and node by `…`, and numbers by
   * `N`.
   */
  reason: string;
  count: number;
  /** The first of them. */
  example: ItemRecord;
}

/** Most groups. The rest is one group, since memory must stay flat, and nobody reads more. */
const MAX_GROUPS = 1000;
const OTHER = "other reasons";
const NO_REASON = "no reason given";

/** UUIDs, hexadecimal numbers and ids, and decimal numbers with their fractions, times and signs. */
const NUMBERS = [
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi,
  /\b0x[0-9a-f]+\b/gi,
  /\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b/gi,
  /(?<![\w.])[-+]?\d+(?:[.,:]\d+)*|\d+(?:[.,:]\d+)*/g,
];

/**
 * The reason with the names in it replaced, if they are whole words. Numbers are replaced anyway, and short names
 * without a digit are words of the language, too.
 */
function withoutNames(reason: string, names: string[]): string {
  let text = reason;
  for (const name of names) {
    const isWord = name.length < 3 && !/\d/.test(name);
    if (isWord || name.length > text.length || /^[\d.,:+-]*$/.test(name)) continue;
    const escaped = name.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
    text = text.replaceAll(new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, "gu"), "…");
  }
  return text;
}

/**
 * First line of the reason, without the names of the item, its pods and nodes: `cannot open …` for `cannot open
 * a.txt`.
 */
export function namelessReason({ reason, payload, attempts }: ItemRecord): string {
  const line = (reason ?? "").split("\n", 1)[0]!.trim();
  const item = textOf(payload);
  const places = attempts.flatMap(({ pod, node }) => [pod, node ?? ""]);
  return withoutNames(line, item === undefined ? places : [item, ...places]) || NO_REASON;
}

/** Exit codes, signals and statuses: digits that tell failures apart. */
const TELLING = /^(?:\S+ (?:exited with code \d+|was ended by \w+))|\b(?:code|status|HTTP(?:\/[\d.]+)?) \d{1,3}\b/g;

/** The same text for items that failed in the same way: `N is not acceptable` for `97 is not acceptable`. */
export function reasonTemplate(nameless: string): string {
  const withoutNumbers = (text: string) => NUMBERS.reduce((text, pattern) => text.replaceAll(pattern, "N"), text);
  const kept = nameless.match(TELLING) ?? [];
  return nameless
    .split(TELLING)
    .map((text, index) => withoutNumbers(text) + (kept[index] ?? ""))
    .join("");
}

/** Groups failed items by reason, apart from numbers and names in it. */
export class FailureGroups {
  readonly #groups = new Map<string, FailureGroup>();

  add(record: ItemRecord): void {
    const nameless = namelessReason(record);
    const template = reasonTemplate(nameless);
    const key = this.#groups.has(template) || this.#groups.size < MAX_GROUPS ? template : OTHER;
    const group = this.#groups.get(key);
    if (!group) {
      // The words themselves, as long as all items have the same: `HTTP 404` says more than `HTTP N`.
      this.#groups.set(key, { reason: key === OTHER ? OTHER : nameless, count: 1, example: record });
      return;
    }
    group.count++;
    if (group.reason !== nameless) group.reason = key;
  }

  /** The biggest group first. */
  sorted(): FailureGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count || a.example.id - b.example.id);
  }
}
