// One row: a batch from `up` to its end, with faults on the way.
import { firstLine } from "../../cli/errors.ts";
import { Field } from "./field.ts";
import { type Row, rows } from "./rows.ts";
import { RunLog } from "./runs.ts";
import { type BatchShape, ProofStack } from "./stack.ts";
import { type Balance, balance, type Disturbance, disturbance } from "./tally.ts";

/** A row at its end. */
export interface RowOutcome extends Balance, Disturbance {
  name: string;
  items: number;
  /** Faults that were seen to happen. */
  faults: number;
  /** From the beginning of the first run to the end of the last one. */
  ms: number;
  /** Time of its beginning, ISO 8601. */
  date: string;
  /** One line: a broken promise, or a reason why the row proves nothing. */
  problem?: string;
}

/** The numbers from 1 on, as the program seeds them. */
const itemsOf = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1));

/** Inputs that all rows share. */
export interface RowOptions {
  shape: BatchShape;
  /** Gets the promise of each stack's removal, which no row needs to wait for. */
  removals: Promise<void>[];
  /** Ends the row early; it repairs what it broke. */
  stop?: AbortSignal;
  /** The row itself. Default: that of the name. */
  row?: Row;
}

/** Runs one. */
export async function runRow(
  name: string,
  { shape, removals, stop, row = rows[name]! }: RowOptions,
): Promise<RowOutcome> {
  const { disturb, atLeast } = row;
  const date = new Date().toISOString();
  const stack = new ProofStack();
  try {
    await stack.init(shape);
    const log = new RunLog(stack.runs);
    const over = new AbortController();
    const field = new Field(stack.namespace, shape.items, log, over.signal);
    const disturbed = disturb(field).then(
      () => undefined,
      (error: unknown) => firstLine(error),
    );
    const up = await stack.pulumi("up", stop);
    over.abort();
    const failure = await disturbed;
    log.read();
    log.close();
    const runs = [...log.runs.values()];
    const results = await stack.results().catch(() => []);
    const sums = balance(itemsOf(shape.items), results, log.runs);
    const given = results.find(({ outcome }) => outcome === "failed")?.reason ?? "";
    const ms = Math.max(...runs.map(({ end = 0 }) => end)) - Math.min(...runs.map(({ start }) => start));
    const faults = field.faults.length;
    const problem = problemOf({ ...sums, faults, failure, given }, atLeast, up);
    const outcome = { name, items: shape.items, faults, ...sums, ...disturbance(runs, field.faults), ms, date };
    return problem ? { ...outcome, problem } : outcome;
  } finally {
    removals.push(stack.remove());
  }
}

/** Measures of a row that show if it failed. */
interface Ending extends Balance {
  faults: number;
  /** Reason why a fault could not be done or undone. */
  failure: string | undefined;
  /** Reason why the first of the dead is dead. */
  given: string;
}

/** The problem of a row, one line. */
function problemOf(
  { dead, lost, duplicated, faults, failure, given }: Ending,
  atLeast: number,
  up: { ok: boolean; text: string },
): string | undefined {
  const problems: string[] = [];
  if (failure !== undefined) problems.push(`a fault could not be done or undone: ${failure}`);
  if (!up.ok) problems.push(`\`up\` failed: ${/error: (.*)/.exec(up.text)?.[1] ?? up.text.trim().split("\n").at(-1)}`);
  if (lost > 0) problems.push(`${lost} items were lost`);
  if (duplicated > 0) problems.push(`${duplicated} items were recorded twice`);
  if (dead > 0) problems.push(`${dead} items were given up, the first one for: ${given}`);
  if (faults < atLeast) problems.push(`only ${faults} of ${atLeast} faults happened`);
  return problems.join("; ") || undefined;
}
