// Writes the rows of a run as its items finish.
import { mkdirSync, appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonLine } from "../../config/foreignText.ts";
import { replacer } from "../../config/replacements.ts";
import type { ResultRow } from "../../queue/index.ts";
import { beginJoblog, jobLine } from "./joblog.ts";
import type { RunOptions } from "./options.ts";

/** Writes rows to standard output, and to what the options name. */
export class RowWriter {
  readonly #options: Pick<RunOptions, "joblog" | "results" | "ordered">;
  readonly #places: number[];
  readonly #command: (item: string, id: number) => string[];
  readonly #kept: ResultRow[] = [];

  /** @param places Of each item of the run, its place among all items, from 1. */
  constructor(options: Pick<RunOptions, "joblog" | "results" | "ordered">, command: string[], places: number[]) {
    this.#options = options;
    this.#places = places;
    this.#command = replacer(command);
    if (options.joblog !== undefined) beginJoblog(options.joblog);
    if (options.results !== undefined) mkdirSync(options.results, { recursive: true });
  }

  add(row: ResultRow): void {
    const { joblog, results, ordered } = this.#options;
    const place = this.#places[row.id - 1] ?? row.id;
    if (joblog !== undefined) appendFileSync(joblog, jobLine(row, place, this.#command(row.item, row.id).join(" ")));
    if (results !== undefined) writeFileSync(join(results, `${place}.json`), jsonLine(row));
    if (ordered) this.#kept.push(row);
    else process.stdout.write(`${jsonLine(row)}\n`);
  }

  /** Writes what was kept until the end. */
  end(): void {
    for (const row of this.#kept.sort((a, b) => a.id - b.id)) process.stdout.write(`${jsonLine(row)}\n`);
  }
}
