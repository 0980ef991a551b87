import { Column } from "./column.ts";

/** An attempt on the timeline. */
export interface AttemptSpan {
  /** Index of its pod. */
  pod: number;
  start: number;
  end: number;
  outcome: string;
  id: number;
  item: string;
}

/** Most bars. Nobody could read more, and they cost the browser time, so slices of time are drawn instead. */
export const MAX_BARS = 2000;

/** The attempts of a batch. While they are few, each is kept and drawn; otherwise they are only counted. */
export class Spans {
  readonly #columns = { pod: new Column(), start: new Column(), end: new Column(), bad: new Column() };
  /** All of them, if they are few. */
  readonly few: AttemptSpan[] = [];
  #start = Infinity;
  #end = -Infinity;

  add(span: AttemptSpan): void {
    const { pod, start, end, outcome } = span;
    if (this.length < MAX_BARS) this.few.push(span);
    this.#columns.pod.push(pod);
    this.#columns.start.push(start);
    this.#columns.end.push(end);
    this.#columns.bad.push(outcome === "done" || outcome === "released" ? 0 : 1);
    this.#start = Math.min(this.#start, start);
    this.#end = Math.max(this.#end, end);
  }

  get length(): number {
    return this.#columns.pod.length;
  }

  /** Start of the first attempt; 0 without one. */
  get start(): number {
    return this.length ? this.#start : 0;
  }

  /** End of the last attempt. */
  get end(): number {
    return this.length ? this.#end : 0;
  }

  /** Index of the pod, start, end, and 1 if it failed or was lost, attempt by attempt. */
  get values(): Record<"pod" | "start" | "end" | "bad", Float64Array> {
    const { pod, start, end, bad } = this.#columns;
    return { pod: pod.values, start: start.values, end: end.values, bad: bad.values };
  }
}
