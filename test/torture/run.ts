// npm run torture -- [--seconds N] [--seed S]: random batches, with real workers and servers, under random faults, one
// after the other. Each is decided by its seed; the first violation ends it, with the seed that shows it again.
import { parseArgs } from "node:util";
import { runBatch } from "./batch.ts";

const { values } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" } } });
const seconds = Number(values.seconds ?? (values.seed === undefined ? 60 : 0));
const first = Number(values.seed ?? Date.now() % 1_000_000_000);
if (!Number.isFinite(seconds) || !Number.isInteger(first)) {
  console.error("torture: --seconds takes a number, --seed a whole number");
  process.exit(2);
}

const end = performance.now() + seconds * 1000;
let seed = first;
do {
  try {
    const { kind, state, faults, seconds } = await runBatch(seed);
    console.log(
      `seed ${seed}: ${kind}, ${state} after ${seconds.toFixed(0)} s${faults.length ? `; ${faults.join(", ")}` : ""}`,
    );
  } catch (error) {
    console.error(`seed ${seed}: ${(error as Error).stack}`);
    console.error(`again: npm run torture -- --seed ${seed}`);
    process.exit(1);
  }
  seed++;
} while (performance.now() < end);
console.log(`${seed - first} batches, seeds ${first} to ${seed - 1}, no violation`);
process.exit(0);
