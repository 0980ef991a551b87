import type { Counts, QueueSummary } from "../../queue/index.ts";
import type { TimeLeft } from "../view/throughput.ts";

/** The batch at one moment, as the page shows it; durations in ms. */
export interface LiveState {
  queue: string;
  title: string;
  /** Reason why Redis is away. */
  away?: string;
  counts: Counts;
  /** `finished in 3m`, … */
  state: string;
  /** Items settled per second, and the time left; null while they are not known. */
  rate: number | null;
  left: TimeLeft | null;
  workers: LiveWorker[];
  /** True if it is a batch of a stack, whose worker Job can be scaled and started again. */
  hasJob: boolean;
  /** The server's current work for it. */
  doing?: string;
}

export interface LiveWorker {
  session: string;
  pod: string;
  node: string;
  slots: number;
  done: number;
  failed: number;
  /** False if it was silent for longer than a fleet of this size may be. */
  alive: boolean;
  /** Since it was heard. */
  silentMs: number;
  inFlight: { id: number; item: string; forMs: number }[];
  /** Items in flight that are not among these. */
  more: number;
}

/** An item with its attempts and its log. */
export interface LiveItem {
  id: number;
  item: string;
  outcome: string;
  result: unknown;
  reason: string | null;
  attempts: { pod: string; start: number; end: number; outcome: string; error?: string }[];
  log: string | null;
}

/** A batch in the list of a Redis. */
export type ListedBatch = Pick<QueueSummary, "queue"> & { state: string; total: number; settled: number };
