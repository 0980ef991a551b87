import type { Distribution } from "./reportData.ts";

const BINS = 40;

/** Nearest-rank quantile. */
function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Quantiles and a histogram; its steps grow if the longest duration is over 50 times the shortest. */
export function distribution(durations: Float64Array): Distribution | null {
  if (durations.length === 0) return null;
  const sorted = durations.toSorted();
  const least = sorted[0]!;
  const max = sorted.at(-1)!;
  const low = Math.max(1, least);
  const grows = max / low > 50;
  const step = grows ? (Math.max(max, 2) / low) ** (1 / BINS) : Math.max(1, Math.ceil((max - least + 1) / BINS));
  const bins = grows ? BINS : Math.ceil((max - least + 1) / step);
  const edges = Array.from({ length: bins + 1 }, (_, i) => (grows ? low * step ** i : least + i * step));
  edges[0] = least;
  const counts = new Array<number>(bins).fill(0);
  let bin = 0;
  for (const duration of sorted) {
    while (bin < bins - 1 && duration >= edges[bin + 1]!) bin++;
    counts[bin]!++;
  }
  const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => quantile(sorted, share)) as [number, number, number];
  return { p50, p95, p99, max, edges, counts };
}
