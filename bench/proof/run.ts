// `npm run proof -- [--rows NAME,…] [--items N] [--json FILE] [--write PAGE]`: batches under real faults, and what
// became of every item. How: bench/README.md. It kills nodes of the local platform, which nothing else may use
// meanwhile.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { format, resolveConfig } from "prettier";
import { UserError } from "../../local/errors.ts";
import { root } from "../../test/support/checkout.ts";
import { platform } from "../../test/support/platform.ts";
import { rows, UNDISTURBED } from "./rows.ts";
import { type RowOutcome, runRow } from "./runRow.ts";
import { markdownTable, screenTable, withTable } from "./table.ts";

const PODS = 10;
const CONCURRENCY = 4;
/** Time that an undisturbed batch takes, so that all faults fall into it. */
const UNDISTURBED_MS = 45_000;

function rowNames(text: string): string[] {
  const names = text.split(",");
  const unknown = names.find((name) => !(name in rows));
  if (unknown === undefined) return names;
  throw new InvalidArgumentError(`there is no row ${unknown}; rows are ${Object.keys(rows).join(", ")}.`);
}

function itemCount(text: string): number {
  if (/^[1-9]\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("a whole number from 10 to 999999 is needed.");
}

const program = new Command("npm run proof --")
  .description("Runs batches on two nodes under real faults, and counts what became of every item.")
  .option("--rows <names>", `only these, with commas: ${Object.keys(rows).join(", ")}`, rowNames, Object.keys(rows))
  .option("--items <n>", "items of each batch", itemCount, 10_000)
  .option("--json <file>", "keeps the outcomes here; rows that are not run stay", join(root, ".state/proof.json"))
  .option("--write <page>", "writes the table into this page, between <!-- proof:begin --> and <!-- proof:end -->")
  .parse();
const options = program.opts<{ rows: string[]; items: number; json: string; write?: string }>();

/** Outcomes of earlier runs, of as many items. */
function kept(): RowOutcome[] {
  if (!existsSync(options.json)) return [];
  const { outcomes } = JSON.parse(readFileSync(options.json, "utf8")) as { outcomes: RowOutcome[] };
  return outcomes.filter(({ items }) => items === options.items);
}

function keep(outcome: RowOutcome): void {
  const outcomes = [...kept().filter(({ name }) => name !== outcome.name), outcome];
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify({ outcomes }, undefined, 2)}\n`);
}

/**
 * Aborts when somebody ends the program: nodes are brought back and stacks removed first. With `once` execa, which
 * listens too, would end it at once.
 */
const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopped.abort());

async function run(): Promise<void> {
  const up = await platform("up", "--nodes", "2");
  if (up.exitCode !== 0) throw new UserError(`the platform did not come up: ${up.all.trim().split("\n").at(-1)}`);
  const { items } = options;
  const workMs = Math.max(1, Math.round((UNDISTURBED_MS * PODS * CONCURRENCY) / items));
  const shape = { items, pods: PODS, concurrency: CONCURRENCY, workMs };
  const removals: Promise<void>[] = [];
  for (const name of options.rows) {
    const outcome = await runRow(name, { shape, removals, stop: stopped.signal });
    if (stopped.signal.aborted) break;
    keep(outcome);
    const { faults, ms, problem } = outcome;
    console.error(`${name}: ${faults} faults, ${(ms / 1000).toFixed(0)} s, ${problem ?? "all items done once"}`);
    if (problem) process.exitCode = 1;
  }
  await Promise.all(removals);
  console.log(screenTable(kept()).join("\n"));
  if (options.write === undefined) return;
  if (!kept().some(({ name }) => name === UNDISTURBED)) throw new UserError("the row undisturbed was never run");
  const page = withTable(readFileSync(options.write, "utf8"), markdownTable(kept()));
  const style = await resolveConfig(options.write);
  writeFileSync(options.write, await format(page, { ...style, filepath: options.write }));
}

try {
  await run();
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`proof: ${error.message}`);
  process.exitCode = 1;
}
