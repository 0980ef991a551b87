// Lines of what a program writes to its log, in bounded memory.
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** A longer line is given in pieces of at least this length, characters: a program may write for ever without an end of line. */
export const LONGEST_LINE = 16 * 1024;

/** Calls `each` with every line of `input`, without its end. A carriage return ends a line too, as progress bars use it. */
export function logLines(input: Readable, each: (line: string) => void): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  input.on("data", (chunk: Buffer) => {
    const parts = (rest + decoder.write(chunk)).split(/\r\n|\n|\r(?!$)/);
    rest = parts.pop()!;
    for (const line of parts) each(line);
    if (rest.length < LONGEST_LINE) return;
    each(rest);
    rest = "";
  });
  input.on("end", () => {
    const line = (rest + decoder.end()).replace(/\r$/, "");
    if (line !== "") each(line);
  });
}
