// Durations of attempts, as a histogram in the fields of the batch: each call adds what it acknowledges.

/** Upper limits of the buckets, ms; what took longer is in one more. */
export const DURATION_LIMITS_MS = [
  10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000,
] as const;

/** Field of the sum of all, ms. */
export const DURATION_SUM = "tookMs";

/** Fields of the buckets, the last one's without a limit. */
export const DURATION_FIELDS = [...DURATION_LIMITS_MS.map((limit) => `took${limit}`), "tookLonger"];

/** Increments of the fields by some attempts, from their lines: name, number, name, number ... */
export function durationIncrements(attempts: readonly { line: string }[]): (string | number)[] {
  const counts = new Array<number>(DURATION_FIELDS.length).fill(0);
  let sum = 0;
  for (const { line } of attempts) {
    const ms = timeOf(line);
    if (ms === undefined) continue;
    let bucket = 0;
    while (ms > DURATION_LIMITS_MS[bucket]!) bucket++;
    counts[bucket]!++;
    sum += ms;
  }
  const increments: (string | number)[] = sum > 0 ? [DURATION_SUM, sum] : [];
  for (const [bucket, count] of counts.entries()) if (count > 0) increments.push(DURATION_FIELDS[bucket]!, count);
  return increments;
}

/** Duration of an attempt that ended by itself, from its line: done (`d`), failed (`f`), or out of time (`t`). */
function timeOf(line: string): number | undefined {
  const outcome = line[0];
  if (outcome !== "d" && outcome !== "f" && outcome !== "t") return undefined;
  let ms = 0;
  // By hand: it runs for every item, and an expression costs as much as all else here.
  for (let at = 1, digit; (digit = line.charCodeAt(at) - 48) >= 0 && digit <= 9; at++) ms = ms * 10 + digit;
  return ms;
}
