// The balance of a batch: what went in, what Redis has of it, and what the workers noted.
import { median } from "../measure.ts";
import type { FaultRecord } from "./field.ts";
import type { Run } from "./runs.ts";

/** A row of `wq results`, as far as it counts here. */
export interface Result {
  item: string;
  outcome: string;
  /** The handler's return value: the name of its run. */
  result: unknown;
  /** Reason why it was given up. */
  reason?: string | null;
}

/** Items compared with results. */
export interface Balance {
  done: number;
  dead: number;
  /** Items without a result, and items whose result names a run that did not end, by the workers' notes. */
  lost: number;
  /** Results beyond the first of an item, and results of no item. */
  duplicated: number;
}

/** Compares the list of items with the list of results, each result with the run that it names. */
export function balance(items: string[], results: Result[], runs: ReadonlyMap<string, Run>): Balance {
  const missing = new Set(items);
  const sum = { done: 0, dead: 0, lost: 0, duplicated: 0 };
  for (const { item, outcome, result } of results) {
    const run = runs.get(String(result));
    const isDone = outcome === "done" && run?.item === item && run.end !== undefined;
    if (!isDone && outcome !== "failed") continue;
    sum[isDone ? "done" : "dead"]++;
    if (!missing.delete(item)) sum.duplicated++;
  }
  sum.lost = missing.size;
  return sum;
}

/** Effects of the faults on the runs. */
export interface Disturbance {
  /** Runs beyond the first of an item. */
  again: number;
  /** Runs that a fault cut short. */
  cut: number;
  /** From the fault to the item's next run, ms: the median, and the longest. */
  takenOver?: { median: number; longest: number };
  /** From a fault (if it lasts, from its end) to the first end of a run that began after it, ms: the longest. */
  firstEnd?: number;
}

/** Measures what the faults did. */
export function disturbance(runs: Iterable<Run>, faults: FaultRecord[]): Disturbance {
  const all = [...runs].sort((a, b) => a.start - b.start);
  const byItem = Map.groupBy(all, ({ item }) => item);
  const takenOver: number[] = [];
  let cut = 0;
  for (const run of all) {
    if (run.end !== undefined) continue;
    const fault = faults.find(({ at, pods }) => at >= run.start && pods.includes(run.pod));
    const next = byItem.get(run.item)!.find(({ start }) => start > run.start);
    if (fault) cut++;
    if (fault && next) takenOver.push(Math.max(0, next.start - fault.at));
  }
  const ends = all.filter(({ end }) => end !== undefined).sort((a, b) => a.end! - b.end!);
  const firstEnds = faults.flatMap(({ at, until = at }) => {
    const first = ends.find(({ start }) => start >= until);
    return first ? [first.end! - until] : [];
  });
  return {
    again: all.length - byItem.size,
    cut,
    ...(takenOver.length && { takenOver: { median: median(takenOver), longest: Math.max(...takenOver) } }),
    ...(firstEnds.length && { firstEnd: Math.max(...firstEnds) }),
  };
}
