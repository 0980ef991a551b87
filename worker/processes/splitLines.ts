// Splits a program's log into lines, in bounded memory.
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/**
 * Length from which on a line is given in pieces, characters: a program may write for ever without an end of line.
 */
export const MAX_LINE_LENGTH = 16 * 1024;

/**
 * Calls `visit` with every line of `input`, without its end; the last one when the input is closed. A carriage return
 * ends a line too, as progress bars use it.
 * @returns A function that gives a last line now, even if it has no end yet.
 */
export function splitLines(input: Readable, visit: (line: string) => void): () => void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  input.on("data", (chunk: Buffer) => {
    const parts = (rest + decoder.write(chunk)).split(/\r\n|\n|\r(?!$)/);
    rest = parts.pop()!;
    for (const line of parts) visit(line);
    if (rest.length < MAX_LINE_LENGTH) return;
    visit(rest);
    rest = "";
  });
  input.on("close", () => {
    rest += decoder.end();
    giveRest();
  });
  const giveRest = () => {
    const line = rest.replace(/\r$/, "");
    rest = "";
    if (line !== "") visit(line);
  };
  return giveRest;
}
