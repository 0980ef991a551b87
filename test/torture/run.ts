// npm run torture -- [--seconds N] [--seed S]: random batches, with real workers and servers, under random faults, one
// after the other. Each is decided by its seed; the first violation ends it, with the seed that shows it again.
import { parseArgs } from "node:util";
import { printedOut } from "../../worker/processes/printedOut.ts";
import { torture } from "./torture.ts";

const { values } = parseArgs({ options: { seconds: { type: "string" }, seed: { type: "string" } } });
const seconds = Number(values.seconds ?? (values.seed === undefined ? 60 : 0));
const first = values.seed === undefined ? undefined : Number(values.seed);
if (!Number.isFinite(seconds) || (first !== undefined && !Number.isInteger(first))) {
  console.error("torture: --seconds takes a number, --seed a whole number");
  process.exit(2);
}
try {
  const count = await torture(seconds, (line) => console.log(line), first);
  console.log(`${count} batches, no violation`);
  await printedOut();
  process.exit(0);
} catch (error) {
  console.error((error as Error).stack);
  process.exit(1);
}
