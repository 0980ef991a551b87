// Writes the rows of a run as its items finish.
import { mkdirSync, appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonLine } from "../../config/foreignText.ts";
import { replacer } from "../../config/replacements.ts";
import type { ResultRow } from "../../queue/index.ts";
import { firstLine, UserError } from "../errors.ts";
import { beginJoblog, jobLine } from "./joblog.ts";

/** Rows cannot be written where the user wants them. */
export class OutputError extends UserError {
  constructor(where: string, cause: unknown) {
    super(`cannot write ${where}: ${firstLine(cause)}`);
  }
}

/** @throws OutputError */
function writing(where: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw new OutputError(where, error);
  }
}

/** The files that get the rows of a run, beside standard output. */
export interface Output {
  /** Files and folders as absolute paths. */
  joblog?: string;
  results?: string;
  /** Rows are kept until the end. */
  ordered?: boolean;
  /** The program that is run, for the job log. */
  command: string[];
  /** The place of each item of the run among all items, from 1. */
  places: number[];
}

/** Writes rows to standard output, and to what else was named. */
export class RowWriter {
  readonly #output: Output;
  readonly #command: (item: string, id: number) => string[];
  readonly #kept: ResultRow[] = [];

  /** @throws OutputError */
  constructor(output: Output) {
    const { joblog, results, command } = output;
    this.#output = output;
    this.#command = replacer(command);
    if (joblog !== undefined) writing(joblog, () => beginJoblog(joblog));
    if (results !== undefined) writing(results, () => mkdirSync(results, { recursive: true }));
  }

  /** @throws OutputError */
  add(row: ResultRow): void {
    const { joblog, results, ordered, places } = this.#output;
    const place = places[row.id - 1] ?? row.id;
    if (joblog !== undefined) {
      const line = jobLine(row, place, this.#command(row.item, row.id).join(" "));
      writing(joblog, () => appendFileSync(joblog, line));
    }
    if (results !== undefined) writing(results, () => writeFileSync(join(results, `${place}.json`), jsonLine(row)));
    if (ordered) this.#kept.push(row);
    else process.stdout.write(`${jsonLine(row)}\n`);
  }

  /** Writes what was kept until the end, and waits until standard output has taken all. */
  async end(): Promise<void> {
    for (const row of this.#kept.sort((a, b) => a.id - b.id)) process.stdout.write(`${jsonLine(row)}\n`);
    await new Promise((resolve) => process.stdout.write("", resolve));
  }
}
