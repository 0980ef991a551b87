// A run too long to be read again and again. Its timeline and throughput come from one look per second.
import type { Counts, WorkerInfo } from "../../queue/index.ts";
import type { Cell, ReportData, Timeline } from "../report/reportData.ts";
import { displayName } from "../view/format.ts";

const SLICES = 120;
const MAX_LANES = 100;
/** First width of a slice: longer than from one look at the workers to the next. Doubled when there is no more room. */
const SLICE_MS = 5_000;

/** A worker in a slice of time. */
interface Slice {
  /** Sum of the busy shares that were seen, and how often was looked. */
  busy: number;
  looks: number;
  ended: number;
  bad: number;
}

const nothing = (): Slice => ({ busy: 0, looks: 0, ended: 0, bad: 0 });

/** Takes looks, and keeps the same amount of memory however many there are. */
export class SampledRun {
  #start = 0;
  #width = SLICE_MS;
  readonly #lanes = new Map<string, Slice[]>();
  readonly #seen = new Map<string, { done: number; failed: number }>();
  #done: number[] = [];
  #dead: number[] = [];
  #last?: Counts;
  #lanesLeft = new Set<string>();

  addCounts(counts: Counts): void {
    const { now } = counts;
    if (this.#start === 0 || now < this.#start) this.#start = now;
    while ((now - this.#start) / this.#width >= SLICES) this.#halve();
    const at = Math.floor((now - this.#start) / this.#width);
    // A retry or a new run makes this number smaller.
    this.#done[at] = (this.#done[at] ?? 0) + Math.max(0, counts.done - (this.#last?.done ?? counts.done));
    this.#dead[at] = (this.#dead[at] ?? 0) + Math.max(0, counts.dead - (this.#last?.dead ?? counts.dead));
    this.#last = counts;
  }

  addWorkers({ now }: Counts, workers: WorkerInfo[]): void {
    const at = Math.floor((now - this.#start) / this.#width);
    for (const worker of workers) this.#addWorker(worker, at);
  }

  #addWorker({ session, pod, slots, done, failed, inFlight }: WorkerInfo, at: number): void {
    const name = displayName(Buffer.from(pod), 60);
    let lane = this.#lanes.get(name);
    if (!lane && this.#lanes.size >= MAX_LANES) {
      this.#lanesLeft.add(session);
      return;
    }
    if (!lane) this.#lanes.set(name, (lane = []));
    const slice = (lane[at] ??= nothing());
    const before = this.#seen.get(session) ?? { done, failed };
    this.#seen.set(session, { done, failed });
    slice.busy += Math.min(1, inFlight.length / Math.max(1, slots));
    slice.looks++;
    slice.ended += done + failed - before.done - before.failed;
    slice.bad += failed - before.failed;
  }

  /** Two slices become one. */
  #halve(): void {
    this.#width *= 2;
    const sum = (list: number[]) =>
      Array.from({ length: Math.ceil(list.length / 2) }, (_, i) => (list[2 * i] ?? 0) + (list[2 * i + 1] ?? 0));
    [this.#done, this.#dead] = [sum(this.#done), sum(this.#dead)];
    for (const [name, lane] of this.#lanes) {
      const merged = Array.from({ length: Math.ceil(lane.length / 2) }, (_, i) => {
        const [a, b] = [lane[2 * i] ?? nothing(), lane[2 * i + 1] ?? nothing()];
        return {
          busy: a.busy + b.busy,
          looks: a.looks + b.looks,
          ended: a.ended + b.ended,
          bad: a.bad + b.bad,
        };
      });
      this.#lanes.set(name, merged);
    }
    if (this.#seen.size > 10_000) this.#seen.clear();
    if (this.#lanesLeft.size > 10_000) this.#lanesLeft.clear();
  }

  /** Data of the charts. */
  data(): Pick<ReportData, "start" | "end" | "throughput" | "timeline"> {
    const filled = (list: number[]) => Array.from(list, (value: number | undefined) => value ?? 0);
    return {
      start: this.#start,
      end: this.#last?.now ?? this.#start,
      throughput: { width: this.#width, done: filled(this.#done), dead: filled(this.#dead) },
      timeline: this.#timeline(),
    };
  }

  #timeline(): Timeline {
    const lanes = [...this.#lanes.keys()].sort();
    const cells = lanes.flatMap((name, index) =>
      this.#lanes.get(name)!.flatMap(({ busy, looks, ended, bad }, slice): Cell[] => {
        if (looks === 0) return [];
        return [[index, slice, Math.round((busy / looks) * 1000) / 1000, ended, bad]];
      }),
    );
    return { lanes, left: this.#lanesLeft.size, bars: [], links: [], cells, width: this.#width };
  }
}
