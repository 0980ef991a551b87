import type { Bar, Cell, Timeline } from "./data.ts";

/** An attempt on the timeline. */
export interface AttemptSpan {
  pod: string;
  start: number;
  end: number;
  outcome: string;
  id: number;
  item: string;
}

/** Limit of bars: more say nothing to the eye and cost the browser, so slices of time are drawn instead. */
const MAX_BARS = 2000;
const MAX_LANES = 100;
const SLICES = 300;

/** Assigns each attempt to the first free slot of its pod: a pod gets as many slots as were ever busy at a time. */
function slots(spans: AttemptSpan[]): { slot: number[]; width: Map<string, number> } {
  const free = new Map<string, number[]>();
  const slot: number[] = new Array<number>(spans.length);
  const byStart = spans.map((_, index) => index).sort((a, b) => spans[a]!.start - spans[b]!.start || a - b);
  for (const index of byStart) {
    const { pod, start, end } = spans[index]!;
    const until = free.get(pod) ?? free.set(pod, []).get(pod)!;
    const found = until.findIndex((time) => time <= start);
    slot[index] = found < 0 ? until.length : found;
    until[slot[index]] = Math.max(end, start);
  }
  return { slot, width: new Map([...free].map(([pod, until]) => [pod, until.length])) };
}

/** Bars where they are few, else the busy share of each lane in each slice of time. */
export function timeline(spans: AttemptSpan[], begin: number, end: number): Timeline {
  const { slot, width: slotsOf } = slots(spans);
  const pods = [...slotsOf.keys()].sort();
  const allSlots = [...slotsOf.values()].reduce((sum, n) => sum + n, 0);
  const perPod = allSlots > MAX_LANES;
  const first = new Map<string, number>();
  const names: string[] = [];
  for (const pod of pods) {
    first.set(pod, names.length);
    const n = perPod ? 1 : slotsOf.get(pod)!;
    for (let i = 0; i < n; i++) names.push(slotsOf.get(pod) === 1 || perPod ? pod : `${pod} #${i + 1}`);
  }
  const lanes = names.slice(0, MAX_LANES);
  const laneOf = (index: number) => first.get(spans[index]!.pod)! + (perPod ? 0 : slot[index]!);
  const base = { lanes, left: names.length - lanes.length };

  if (spans.length <= MAX_BARS && !perPod) {
    const links: [number, number][] = [];
    const bars = spans.map(({ start, end, outcome, id, item }, index): Bar => {
      // The attempts at an item follow each other.
      if (index > 0 && spans[index - 1]!.id === id) links.push([index - 1, index]);
      return [laneOf(index), start - begin, end - begin, outcome, id, item];
    });
    return { ...base, bars, links, cells: [], width: 0 };
  }

  const width = Math.max(1, Math.ceil((end - begin + 1) / SLICES));
  const cells = new Map<number, Cell>();
  const cell = (lane: number, slice: number) => {
    const key = lane * SLICES + slice;
    return cells.get(key) ?? cells.set(key, [lane, slice, 0, 0, 0]).get(key)!;
  };
  spans.forEach(({ pod, start, end, outcome }, index) => {
    const lane = laneOf(index);
    if (lane >= lanes.length) return;
    const capacity = width * (perPod ? slotsOf.get(pod)! : 1);
    const last = Math.floor((end - begin) / width);
    for (let slice = Math.floor((start - begin) / width); slice <= last; slice++) {
      const from = begin + slice * width;
      const worked = Math.min(end, from + width) - Math.max(start, from);
      if (worked > 0) cell(lane, slice)[2] += worked / capacity;
    }
    const ended = cell(lane, last);
    ended[3]++;
    if (outcome !== "done" && outcome !== "released") ended[4]++;
  });
  const rounded = [...cells.values()].map(([lane, slice, busy, ended, bad]): Cell => {
    return [lane, slice, Math.round(Math.min(1, busy) * 1000) / 1000, ended, bad];
  });
  return { ...base, bars: [], links: [], cells: rounded, width };
}
