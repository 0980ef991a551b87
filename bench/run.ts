// `npm run bench -- [--json FILE] [--only NAME…] [--quick]`: every figure side by side on one Redis. How:
// bench/README.md.
import { writeFileSync } from "node:fs";
import Table from "cli-table3";
import { Command, Option } from "commander";
import { Redis } from "ioredis";
import { startRedis } from "../test/support/redis.ts";
import { edit } from "./figures/edit.ts";
import { fleet } from "./figures/fleet.ts";
import { memory } from "./figures/memory.ts";
import { processes } from "./figures/processes.ts";
import { recovery } from "./figures/recovery.ts";
import { seeding } from "./figures/seeding.ts";
import { size } from "./figures/size.ts";
import { tail } from "./figures/tail.ts";
import { throughput } from "./figures/throughput.ts";
import { type Bench, type Figure, text } from "./measure.ts";

const all = { throughput, seeding, memory, size, processes, recovery, fleet, tail };
/** Figures that need the local platform are measured only on request. */
const asked = { ...all, edit };
type Name = keyof typeof asked;

/** The log is on disk as in the Redis that `pulumi up` starts. */
const REDIS = ["--appendonly", "yes", "--appendfsync", "everysec"];

const program = new Command("npm run bench --")
  .description("Measures the queue against its peers, side by side on one Redis.")
  .option("--json <file>", "write the figures to this file, too")
  .addOption(new Option("--only <name...>", "only these").choices(Object.keys(asked)))
  .option("--quick", "one round of a tenth of the items: a look, not a measurement")
  .parse();
const options = program.opts<{ json?: string; only?: Name[]; quick?: boolean }>();

const redis = await startRedis({ version: "8", args: REDIS });
const client = new Redis(redis.url);
const bench: Bench = {
  redis,
  client,
  rounds: options.quick ? 1 : 5,
  scale: options.quick ? 0.1 : 1,
  say: (what) => process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${what}` : `${what}\n`),
};
const figures: Figure[] = [];
try {
  for (const name of options.only ?? (Object.keys(all) as Name[])) figures.push(...(await asked[name](bench)));
} finally {
  client.disconnect();
  await redis.stop();
}
bench.say("");

const table = new Table({
  head: ["figure", "value", "against", "ratio", "at least", "goal", ""],
  style: { head: [], border: [], compact: true },
});
for (const { name, value, unit, against, ratio, floor, goal, ok } of figures) {
  const cell = (ratio: number | null | undefined) => (ratio == null ? "" : `${text(ratio)}×`);
  const verdict = floor === null ? "" : ok ? "ok" : "SHORT";
  table.push([name, `${text(value)} ${unit}`, against, cell(ratio), cell(floor), cell(goal), verdict]);
}
console.log(table.toString());
if (options.json) writeFileSync(options.json, `${JSON.stringify({ figures }, undefined, 2)}\n`);
if (!options.quick && figures.some(({ ok }) => !ok)) process.exitCode = 1;
