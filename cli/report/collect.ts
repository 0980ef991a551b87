import type { Counts, ItemRecord } from "../../queue/index.ts";
import { stateText } from "../view/progressBar.ts";
import { FailureGroups } from "../view/failureGroups.ts";
import { isSettled, resultRow } from "../../queue/index.ts";
import { displayName, oneLine } from "../view/format.ts";
import { emptyTable, type ReportData } from "./reportData.ts";
import { distribution } from "./distribution.ts";
import { Column } from "./column.ts";
import { Spans } from "./spans.ts";
import { timeline } from "./timeline.ts";

/** Items that are listed; all are counted. */
const MAX_LISTED = 100_000;
/** Reasons that are drawn, the last one being all others. */
const MAX_REASONS = 15;
/** Characters of a reason. */
export const MAX_REASON = 200;
const SLICES = 120;

/** Different texts, each with an index. */
class StringTable {
  readonly list: string[] = [];
  #known = new Map<string, number>();

  index(name: string | null | undefined): number {
    if (name === null || name === undefined) return -1;
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    this.#known.set(name, this.list.length);
    return this.list.push(name) - 1;
  }
}

/** Reads every item once and counts what the page shows. */
export async function collect(
  title: string,
  counts: Counts,
  records: AsyncIterable<ItemRecord> | Iterable<ItemRecord>,
): Promise<ReportData> {
  const pods = new StringTable();
  const reasons = new StringTable();
  const table = emptyTable(pods.list, reasons.list);
  const sum = { items: 0, done: 0, dead: 0, unsettled: 0, attempts: 0, lost: 0 };
  const spans = new Spans();
  const durations = new Column();
  const ends = { done: new Column(), dead: new Column() };
  const failures = new FailureGroups();
  for await (const record of records) {
    const row = resultRow(record);
    const item = displayName(record.payload, 120);
    sum.items++;
    sum[isSettled(record) ? (record.outcome as "done" | "dead") : "unsettled"]++;
    sum.attempts += row.attempts;
    for (const { pod, start, end, outcome } of record.attempts) {
      if (outcome === "lost") sum.lost++;
      spans.add({ pod: pods.index(oneLine(pod)), start, end, outcome, id: record.id, item });
    }
    const last = record.attempts.at(-1);
    if (record.outcome === "dead") failures.add(record);
    if (last && isSettled(record)) {
      durations.push(last.end - last.start);
      ends[record.outcome === "dead" ? "dead" : "done"].push(last.end);
    }
    // Failed items are listed, however many items come before them.
    if (table.id.length >= MAX_LISTED && (record.outcome !== "dead" || table.id.length >= 2 * MAX_LISTED)) {
      table.left++;
      continue;
    }
    table.id.push(row.id);
    table.item.push(item);
    table.outcome.push(row.outcome);
    table.result.push(row.result === null ? "" : oneLine(JSON.stringify(row.result), 80));
    table.attempts.push(row.attempts);
    table.pod.push(pods.index(last && oneLine(last.pod)));
    table.start.push(last?.start ?? -1);
    table.duration.push(row.duration ?? -1);
    table.reason.push(reasons.index(row.reason && oneLine(row.reason, 300)));
  }
  const { start, end } = spans;
  table.start = table.start.map((at) => (at < 0 ? -1 : at - start));
  return {
    title,
    made: counts.now,
    state: stateText(counts),
    counts: sum,
    start,
    end,
    durations: distribution(durations.values),
    throughput: throughput(ends, start, end),
    reasons: topReasons(failures),
    timeline: timeline(spans, pods.list),
    table,
  };
}

function throughput(ends: Record<"done" | "dead", Column>, start: number, end: number): ReportData["throughput"] {
  // A slice of less than a second would show a rate that the batch never had.
  const width = Math.max(1_000, Math.ceil((end - start + 1) / SLICES));
  const slices = ends.done.length + ends.dead.length ? Math.floor((end - start) / width) + 1 : 0;
  const perSlice = ({ values }: Column) => {
    const counts = new Array<number>(slices).fill(0);
    for (const at of values) counts[Math.floor((at - start) / width)]!++;
    return counts;
  };
  return { width, done: perSlice(ends.done), dead: perSlice(ends.dead) };
}

/** The reasons that are drawn. */
export function topReasons(failures: FailureGroups): ReportData["reasons"] {
  const all = failures.sorted().map(({ reason, count }) => ({ reason: oneLine(reason, MAX_REASON), count }));
  if (all.length <= MAX_REASONS) return all;
  const rest = all.splice(MAX_REASONS - 1);
  const count = rest.reduce((sum, group) => sum + group.count, 0);
  return [...all, { reason: `${rest.length} other reasons`, count }];
}
