// The rows that an earlier `wq results --follow` wrote into a file.
import { createReadStream, fstatSync, ftruncateSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import type { ResultRow } from "../../queue/index.ts";
import { firstLine, UserError } from "../errors.ts";

/** Distinguishes the rows of one item: a later row exists if the item ran again, or the batch began anew. */
export const versionOf = ({ attempts, end }: Pick<ResultRow, "attempts" | "end">): string => `${attempts} ${end}`;

/**
 * The version of each row, by id. A last row that was cut off does not count. If standard output goes on in the same
 * file, it is removed from there.
 * @throws UserError if the file cannot be read, or a line of it is no row.
 */
export async function earlierRows(file: string): Promise<Map<number, string>> {
  const rows = new Map<number, string>();
  let whole = 0;
  let number = 0;
  try {
    const { size } = statSync(file);
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      number++;
      const end = whole + Buffer.byteLength(line) + 1;
      if (end > size) break; // no line end: cut off
      const row = parse(line, file, number);
      rows.set(row.id, versionOf(row));
      whole = end;
    }
    if (whole < size && isStandardOutput(file)) ftruncateSync(1, whole);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`cannot read ${file}: ${firstLine(error)}`);
  }
  return rows;
}

function parse(line: string, file: string, number: number): Pick<ResultRow, "id" | "attempts" | "end"> {
  try {
    const { id, attempts, end = null } = JSON.parse(line) as Partial<ResultRow>;
    if (typeof id === "number" && typeof attempts === "number") return { id, attempts, end };
  } catch {
    // said below
  }
  throw new UserError(`${file}, line ${number}: expected a row of \`wq results\` as NDJSON`);
}

function isStandardOutput(file: string): boolean {
  const [output, given] = [fstatSync(1), statSync(file)];
  return output.isFile() && output.ino === given.ino && output.dev === given.dev;
}
