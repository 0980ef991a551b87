import type { Counts, WorkerInfo } from "../../queue/types.ts";

/** How fast this run settles items, and how sure that is. */
export interface Throughput {
  /** Items settled (done or dead) per second. */
  rate: number;
  /** An 80 % interval of the rate is `rate / factor … rate * factor`; from 1 (certain). */
  spread: number;
}

/** How long it will take at that pace, ms: the best guess, and between what it lies four times in five. */
export interface TimeLeft {
  ms: number;
  low: number;
  high: number;
}

/** Fewer than this many settled items tell nothing about a pace. */
const MIN_ITEMS = 3;
/** 80 % of a normal distribution lies within so many standard deviations. */
const Z80 = 1.2816;
/** A window no shorter than this, ms, and with no fewer items, so that it follows a change of workers and yet does not jump. */
const WINDOW = { ms: 60_000, items: 30 };

/** n items seen, their count scattering `dispersion` times as much as independent arrivals do (1: Poisson). */
function pace(rate: number, items: number, dispersion = 1): Throughput | undefined {
  if (items < MIN_ITEMS || !(rate > 0)) return undefined;
  return { rate, spread: Math.exp(Z80 * Math.sqrt(dispersion / items)) };
}

/**
 * From one look: what the workers that are alive say they settled since they started. Not the batch's own counters: those also hold
 * what earlier runs did, and the time in between. Of the failed attempts the share counts that was the last one of its item.
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
  return pace(rate, items);
}

/** From many looks: the pace over a sliding window, with the scatter that was really seen in it. */
export class RateEstimator {
  #samples: { at: number; settled: number }[] = [];

  /** Notes one look. A batch that is not open, or whose settled items shrank (a retry), begins a new series. */
  sample(counts: Counts): void {
    const settled = counts.done + counts.dead;
    const last = this.#samples.at(-1);
    if (counts.state !== "open" || (last && (settled < last.settled || counts.now <= last.at))) this.#samples = [];
    this.#samples.push({ at: counts.now, settled });
    const kept = this.#samples.findLastIndex(
      (look) => counts.now - look.at >= WINDOW.ms && settled - look.settled >= WINDOW.items,
    );
    if (kept > 0) this.#samples.splice(0, kept);
  }

  /** The pace of the window, or undefined while too little was seen. */
  throughput(): Throughput | undefined {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (!first || !last || last.settled - first.settled < 10 || last.at - first.at < 10_000) return undefined;
    const items = last.settled - first.settled;
    return pace((items * 1000) / (last.at - first.at), items, this.#dispersion());
  }

  /** Variance over mean of the items settled between looks, weighted by how long each gap was. */
  #dispersion(): number {
    const looks = this.#samples;
    const first = looks[0]!;
    const last = looks.at(-1)!;
    if (looks.length < 6) return 1;
    const rate = (last.settled - first.settled) / (last.at - first.at);
    let sum = 0;
    for (let i = 1; i < looks.length; i++) {
      const expected = rate * (looks[i]!.at - looks[i - 1]!.at);
      sum += (looks[i]!.settled - looks[i - 1]!.settled - expected) ** 2 / expected;
    }
    return Math.max(0.05, sum / (looks.length - 2));
  }
}

/** How long `remaining` items take at this pace. */
export function timeLeft(remaining: number, { rate, spread: factor }: Throughput): TimeLeft {
  const ms = (remaining / rate) * 1000;
  return { ms, low: ms / factor, high: ms * factor };
}
