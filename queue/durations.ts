// How long attempts took, as a histogram in the fields of the batch: each call adds what it acknowledges.

/** Upper limits of the buckets, ms; what took longer is in one more. */
export const DURATION_LIMITS_MS = [
  10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000,
] as const;

/** Field of the sum of all, ms. */
export const DURATION_SUM = "tookMs";

/** Fields of the buckets, the last one's without a limit. */
export const DURATION_FIELDS = [...DURATION_LIMITS_MS.map((limit) => `took${limit}`), "tookLonger"];

/** A line of an attempt that ended by itself: done, failed, or out of time. */
const ENDED = /^[dft](\d+)/;

/** What the lines of some attempts add to the fields: name, number, name, number ... */
export function durationIncrements(lines: Iterable<string>): (string | number)[] {
  const counts = new Map<string, number>();
  let sum = 0;
  for (const line of lines) {
    const match = ENDED.exec(line);
    if (!match) continue;
    const ms = Number(match[1]);
    const bucket = DURATION_LIMITS_MS.findIndex((limit) => ms <= limit);
    const field = DURATION_FIELDS.at(bucket)!;
    counts.set(field, (counts.get(field) ?? 0) + 1);
    sum += ms;
  }
  if (sum > 0) counts.set(DURATION_SUM, sum);
  return [...counts].flat();
}
