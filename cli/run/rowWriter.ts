// Writes the rows of a run as its items finish.
import { mkdirSync, appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { jsonLine } from "../../config/foreignText.ts";
import { replacer } from "../../config/replacements.ts";
import type { ResultRow } from "../../queue/index.ts";
import { firstLine, UserError } from "../errors.ts";
import { beginJoblog, jobLine } from "./joblog.ts";

/** Rows cannot be written to the file or stream that the user named. */
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
  /** Rows are printed in the order of the items. */
  ordered?: boolean;
  /** The program that is run, for the job log. */
  command: string[];
  /** The items of the run. */
  items: string[];
  /** The place of each item of the run among all that were given, from 1. */
  places: number[];
}

/**
 * Finds the place of a row by its item. Ids do not tell it: they are given in the order in which items are taken, and a
 * worker whose items fail takes some from anywhere in the list.
 */
class Places {
  readonly #output: Output;
  /** Indexes of items that were not found yet, by text. The last one of a list is taken first. */
  readonly #left: Map<string, number[]>;
  readonly #found = new Map<number, number>();

  constructor(output: Output) {
    this.#output = output;
    const { items } = output;
    this.#left = Map.groupBy([...items.keys()].reverse(), (index) => items[index]!.toWellFormed());
  }

  of({ id, item }: ResultRow): number {
    const { places } = this.#output;
    let place = this.#found.get(id);
    if (place === undefined) {
      const index = this.#left.get(item)?.pop();
      place = index === undefined ? (places.at(-1) ?? 0) + id : places[index]!; // somebody pushed it by hand
      this.#found.set(id, place);
    }
    return place;
  }
}

/** Writes rows to standard output, and to what else was named. */
export class RowWriter {
  readonly #output: Output;
  readonly #places: Places;
  readonly #command: (item: string, id: number) => string[];
  /** Rows that wait for those before them, by their place. */
  readonly #kept = new Map<number, ResultRow>();
  /** Number of places whose rows are printed. */
  #printed = 0;

  /** @throws OutputError */
  constructor(output: Output) {
    const { joblog, results, command } = output;
    this.#output = output;
    this.#places = new Places(output);
    this.#command = replacer(command);
    if (joblog !== undefined) writing(joblog, () => beginJoblog(joblog));
    if (results !== undefined) writing(results, () => mkdirSync(results, { recursive: true }));
  }

  /** @throws OutputError */
  add(row: ResultRow): void {
    const { joblog, results, ordered, places } = this.#output;
    const place = this.#places.of(row);
    if (joblog !== undefined) {
      const line = jobLine(row, place, this.#command(row.item, row.id).join(" "));
      writing(joblog, () => appendFileSync(joblog, line));
    }
    if (results !== undefined) writing(results, () => writeFileSync(join(results, `${place}.json`), jsonLine(row)));
    this.#kept.set(place, row);
    if (!ordered) return this.#print(place);
    for (let next; (next = places[this.#printed]) !== undefined && this.#kept.has(next); this.#printed++)
      this.#print(next);
  }

  #print(place: number): void {
    process.stdout.write(`${jsonLine(this.#kept.get(place))}\n`);
    this.#kept.delete(place);
  }

  /** Writes rows that wait for others that do not come, then waits until standard output has taken all. */
  async end(): Promise<void> {
    for (const place of [...this.#kept.keys()].sort((a, b) => a - b)) this.#print(place);
    await new Promise((resolve) => process.stdout.write("", resolve));
  }
}
