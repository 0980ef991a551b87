import type { Counts, WorkerInfo } from "../../queue/index.ts";

/** Items settled (done or dead) per second, and how certain that is. */
export interface Throughput {
  rate: number;
  /** An 80 % interval of the rate is `rate / spread` to `rate * spread`; 1 is certain. */
  spread: number;
}

/** Time left in ms: the best guess, and the ends of its 80 % interval. */
export interface TimeLeft {
  ms: number;
  low: number;
  high: number;
}

/** Fewer settled items than this say nothing about a rate. */
const MIN_ITEMS = 3;
/** 80 % of a normal distribution lies within this number of standard deviations. */
const Z80 = 1.2816;
/** Least length of the sliding window, in time and in items: it follows a change of workers and yet does not jump. */
const WINDOW = { ms: 60_000, items: 30 };
/** Least content of a window before it says anything. */
const MIN_WINDOW = { ms: 10_000, items: 10 };

/** @param dispersion Variance of the counts over their mean; 1 for independent arrivals. */
function estimate(rate: number, items: number, dispersion = 1): Throughput | undefined {
  if (items < MIN_ITEMS || !(rate > 0)) return undefined;
  return { rate, spread: Math.exp(Z80 * Math.sqrt(dispersion / items)) };
}

/**
 * Throughput from a single look: what live workers say they settled since they started. The batch's own counters also
 * hold the work of earlier runs, and the time in between. A failed attempt counts by the share of attempts that are the
 * last one of their item.
 */
export function workerThroughput(
  workers: WorkerInfo[],
  counts: Pick<Counts, "now" | "dead" | "retried">,
): Throughput | undefined {
  const final = counts.dead / Math.max(1, counts.dead + counts.retried);
  let rate = 0;
  let items = 0;
  for (const worker of workers) {
    const settled = worker.done + worker.failed * final;
    rate += settled / Math.max(0.001, (counts.now - worker.startedAt) / 1000);
    items += settled;
  }
  return estimate(rate, items);
}

/** Throughput from many looks: the rate over a sliding window, with the scatter that was seen in it. */
export class RateEstimator {
  #samples: { at: number; settled: number }[] = [];

  /** Adds a look. A batch that is not open, or whose settled items shrank (a retry), begins a new series. */
  sample(counts: Counts): void {
    const settled = counts.done + counts.dead;
    const last = this.#samples.at(-1);
    const restart = counts.state !== "open" || (last && (settled < last.settled || counts.now <= last.at));
    if (restart) this.#samples = [];
    this.#samples.push({ at: counts.now, settled });
    const first = this.#samples.findLastIndex(
      (sample) => counts.now - sample.at >= WINDOW.ms && settled - sample.settled >= WINDOW.items,
    );
    if (first > 0) this.#samples.splice(0, first);
  }

  /** The throughput over the window, or undefined while too little was seen. */
  throughput(): Throughput | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last) return undefined;
    const items = last.settled - first.settled;
    const ms = last.at - first.at;
    if (items < MIN_WINDOW.items || ms < MIN_WINDOW.ms) return undefined;
    return estimate((items * 1000) / ms, items, this.#dispersion(items / ms));
  }

  /** Variance over mean of the items settled between looks, weighted by the length of each gap. */
  #dispersion(ratePerMs: number): number {
    const samples = this.#samples;
    if (samples.length < 6) return 1;
    let sum = 0;
    for (let i = 1; i < samples.length; i++) {
      const expected = ratePerMs * (samples[i]!.at - samples[i - 1]!.at);
      sum += (samples[i]!.settled - samples[i - 1]!.settled - expected) ** 2 / expected;
    }
    return Math.max(0.05, sum / (samples.length - 2));
  }
}

/** Number of items that are done or dead. */
export const settledCount = ({ done, dead }: Pick<Counts, "done" | "dead">): number => done + dead;

/** Time that the other items of the batch take at this throughput. */
export function timeLeft(counts: Pick<Counts, "total" | "done" | "dead">, { rate, spread }: Throughput): TimeLeft {
  const ms = (Math.max(0, counts.total - settledCount(counts)) / rate) * 1000;
  return { ms, low: ms / spread, high: ms * spread };
}
