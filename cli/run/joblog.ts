// GNU parallel's job log: a line for each item that ended.
import { appendFileSync, existsSync, readFileSync, statSync } from "node:fs";
import { constants } from "node:os";
import { oneLine } from "../../config/foreignText.ts";
import type { ResultRow } from "../../queue/index.ts";
import { UserError } from "../errors.ts";

const COLUMNS = ["Seq", "Host", "Starttime", "JobRuntime", "Send", "Receive", "Exitval", "Signal", "Command"];

/** Exit code and signal of a command, from its reason. A failed item never has 0, even if its program exited with 0. */
function endOf({ outcome, reason }: ResultRow): { code: number; signal: number } {
  if (outcome === "done") return { code: 0, signal: 0 };
  const code = Number(/exited with code (\d+)/.exec(reason ?? "")?.[1]) || 1;
  const signal = /was ended by (SIG\w+)/.exec(reason ?? "")?.[1] as NodeJS.Signals | undefined;
  return { code, signal: signal ? constants.signals[signal] : 0 };
}

/** A line of the log. @param seq The item's place among all items, from 1. @param command What was run for it. */
export function jobLine(row: ResultRow, seq: number, command: string): string {
  const { code, signal } = endOf(row);
  const start = row.start === null ? 0 : Date.parse(row.start) / 1000;
  const received = row.result === null ? 0 : Buffer.byteLength(JSON.stringify(row.result));
  const runtime = ((row.duration ?? 0) / 1000).toFixed(3);
  const fields = [
    seq,
    oneLine(row.pod ?? ":"),
    start.toFixed(3),
    runtime,
    Buffer.byteLength(row.item),
    received,
    code,
    signal,
  ];
  return `${fields.join("\t")}\t${oneLine(command.replaceAll(/[\n\t]/g, " "))}\n`;
}

/** Makes the log's first line, or goes on in a log that is there, after a line that was cut off. */
export function beginJoblog(file: string): void {
  let begin = `${COLUMNS.join("\t")}\n`;
  if (existsSync(file)) begin = statSync(file).isFile() && !/(^|\n)$/.test(readFileSync(file, "utf8")) ? "\n" : "";
  appendFileSync(file, begin); // even if empty, since this shows that the file can be written
}

/** Places of the items that are done, by the last line of each. @throws UserError if it is no job log. */
export function doneIn(file: string): Set<number> {
  const done = new Set<number>();
  if (!existsSync(file)) return done;
  const [head, ...lines] = readFileSync(file, "utf8").split("\n");
  if (head?.split("\t")[0] !== "Seq")
    throw new UserError(`${file} is not a job log: its first line does not begin with Seq`);
  for (const line of lines) {
    const fields = line.split("\t");
    if (fields.length < COLUMNS.length) continue; // cut off
    if (fields[6] === "0" && fields[7] === "0") done.add(Number(fields[0]));
    else done.delete(Number(fields[0]));
  }
  return done;
}
