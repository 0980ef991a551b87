import { runBatch } from "./batch.ts";

/**
 * Runs batches, one after the other.
 * @param seconds For this long; at least one batch is run.
 * @param say Called with the outcome of each batch, one line.
 * @param first Seed of the first batch; each next one has the next number.
 * @returns Number of batches.
 * @throws Error of the first violation, with the command that shows it again.
 */
export async function torture(
  seconds: number,
  say: (line: string) => void,
  first = Date.now() % 1_000_000_000,
): Promise<number> {
  const end = performance.now() + seconds * 1000;
  let seed = first;
  do {
    try {
      const { kind, state, faults, seconds } = await runBatch(seed);
      const what = faults.length ? `; ${faults.join(", ")}` : "";
      say(`seed ${seed}: ${kind}, ${state} after ${seconds.toFixed(0)} s${what}`);
    } catch (error) {
      (error as Error).message += `\n  again: npm run torture -- --seed ${seed}`;
      (error as Error).stack = `${(error as Error).message}\n${(error as Error).stack}`;
      throw error;
    }
    seed++;
  } while (performance.now() < end);
  return seed - first;
}
