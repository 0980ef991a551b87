/**
 * Data of the report's page: counted already, but for the table of items. Times are ms since the epoch, durations ms.
 */
export interface ReportData {
  title: string;
  made: number;
  /** `finished`, `running for 3m`, … */
  state: string;
  counts: { items: number; done: number; dead: number; unsettled: number; attempts: number; lost: number };
  /** From the first attempt's start to the last one's end; 0 if there is none. */
  start: number;
  end: number;
  durations: Distribution | null;
  throughput: { width: number; done: number[]; dead: number[] };
  reasons: { reason: string; count: number }[];
  timeline: Timeline;
  table: ReportTable;
}

/** Durations of the last attempts of settled items. */
export interface Distribution {
  p50: number;
  p95: number;
  p99: number;
  max: number;
  /** `counts[i]` took from `edges[i]` to less than `edges[i + 1]`. */
  edges: number[];
  counts: number[];
}

/** One attempt: lane, start and end after the report's `start`, how it ended, the item's number and text. */
export type Bar = [lane: number, from: number, to: number, outcome: string, id: number, item: string];
/**
 * Many attempts: lane, number of the slice of time, busy share of it, attempts that ended in it, and those of them
 * that failed or were lost.
 */
export type Cell = [lane: number, slice: number, busy: number, ended: number, bad: number];

export interface Timeline {
  /** Names of the lanes: a worker slot each, or a pod each if there are too many slots. */
  lanes: string[];
  /** Number of lanes that are not shown. */
  left: number;
  /** Each attempt, if they are few; else there are cells. */
  bars: Bar[];
  /** Pairs of indices into bars: an attempt and the next one at the same item. */
  links: [from: number, to: number][];
  cells: Cell[];
  /** The length of a cell's slice; 0 without cells. */
  width: number;
}

/** The items by column; `pod` and `reason` are indices into `pods` and `reasons`, -1 for none. */
export interface ReportTable {
  pods: string[];
  reasons: string[];
  id: number[];
  item: string[];
  outcome: string[];
  result: string[];
  attempts: number[];
  pod: number[];
  /** Relative to the report's `start`; -1 for none. */
  start: number[];
  duration: number[];
  reason: number[];
  /** Number of items that are not listed. */
  left: number;
}

/** A table without rows. */
export const emptyTable = (pods: string[] = [], reasons: string[] = []): ReportTable => ({
  pods,
  reasons,
  id: [],
  item: [],
  outcome: [],
  result: [],
  attempts: [],
  pod: [],
  start: [],
  duration: [],
  reason: [],
  left: 0,
});
