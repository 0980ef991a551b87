import type { Counts } from "../queue/index.ts";

/**
 * Makes lines of progress.
 * @param everyMs Least time between two lines, ms.
 * @returns A function of the counts that returns a line if there is something new.
 */
export function progressLine(everyMs: number): (counts: Counts) => string | undefined {
  let said = "";
  let next = 0;
  let first: Counts | undefined;
  return (counts) => {
    const settled = ({ done, dead }: Counts) => done + dead;
    // The clock of Redis may have gone back, too.
    if (!first || settled(counts) < settled(first) || counts.now < first.now) first = counts;
    if (counts.now < next && counts.now >= next - everyMs) return undefined;
    const parts = [`${settled(counts)} of ${counts.total} items`];
    if (counts.dead) parts.push(`${counts.dead} failed`);
    if (counts.state !== "open") parts.push(counts.state);
    const perMs = (settled(counts) - settled(first)) / (counts.now - first.now);
    const left = counts.total - settled(counts);
    if (perMs > 0 && left > 0) parts.push(`about ${Math.ceil(left / perMs / 1000)} s left`);
    const line = parts.join(", ");
    if (line === said) return undefined;
    said = line;
    next = counts.now + everyMs;
    return line;
  };
}
