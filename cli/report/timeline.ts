import type { Bar, Cell, Timeline } from "./reportData.ts";
import { MAX_BARS, type Spans } from "./spans.ts";

const MAX_LANES = 100;
const SLICES = 300;

/** Assigns each attempt to the first free slot of its pod: a pod gets as many slots as were ever busy at a time. */
function slots({ length, values }: Spans): { slot: Uint32Array; width: Map<number, number> } {
  const { pod, start, end } = values;
  const free = new Map<number, number[]>();
  const slot = new Uint32Array(length);
  const byStart = Uint32Array.from({ length }, (_, index) => index).sort((a, b) => start[a]! - start[b]! || a - b);
  for (const index of byStart) {
    const until = free.get(pod[index]!) ?? free.set(pod[index]!, []).get(pod[index]!)!;
    const found = until.findIndex((time) => time <= start[index]!);
    slot[index] = found < 0 ? until.length : found;
    until[slot[index]] = Math.max(end[index]!, start[index]!);
  }
  return { slot, width: new Map([...free].map(([pod, until]) => [pod, until.length])) };
}

/** Bars if they are few, else the busy share of each lane in each slice of time. */
export function timeline(spans: Spans, podNames: string[]): Timeline {
  const { start: begin, end, values, length, few } = spans;
  const { slot, width: slotsOf } = slots(spans);
  const pods = [...slotsOf.keys()].sort((a, b) => (podNames[a]! < podNames[b]! ? -1 : 1));
  const allSlots = [...slotsOf.values()].reduce((sum, n) => sum + n, 0);
  const perPod = allSlots > MAX_LANES;
  const first = new Map<number, number>();
  const names: string[] = [];
  for (const pod of pods) {
    first.set(pod, names.length);
    const n = perPod ? 1 : slotsOf.get(pod)!;
    const name = podNames[pod]!;
    for (let i = 0; i < n; i++) names.push(slotsOf.get(pod) === 1 || perPod ? name : `${name} #${i + 1}`);
  }
  const lanes = names.slice(0, MAX_LANES);
  const laneOf = (index: number) => first.get(values.pod[index]!)! + (perPod ? 0 : slot[index]!);
  const base = { lanes, left: names.length - lanes.length };

  if (length <= MAX_BARS && !perPod) {
    const links: [number, number][] = [];
    const bars = few.map(({ start, end, outcome, id, item }, index): Bar => {
      // The attempts at one item are neighbours in the list.
      if (index > 0 && few[index - 1]!.id === id) links.push([index - 1, index]);
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
  for (let index = 0; index < length; index++) {
    const lane = laneOf(index);
    if (lane >= lanes.length) continue;
    const [from, to] = [values.start[index]!, values.end[index]!];
    const capacity = width * (perPod ? slotsOf.get(values.pod[index]!)! : 1);
    const last = Math.floor((to - begin) / width);
    for (let slice = Math.floor((from - begin) / width); slice <= last; slice++) {
      const since = begin + slice * width;
      const worked = Math.min(to, since + width) - Math.max(from, since);
      if (worked > 0) cell(lane, slice)[2] += worked / capacity;
    }
    const ended = cell(lane, last);
    ended[3]++;
    ended[4] += values.bad[index]!;
  }
  const rounded = [...cells.values()].map(([lane, slice, busy, ended, bad]): Cell => {
    return [lane, slice, Math.round(Math.min(1, busy) * 1000) / 1000, ended, bad];
  });
  return { ...base, bars: [], links: [], cells: rounded, width };
}
