// Reads the words behind `--`: the program, and its items as GNU parallel takes them.
import { readFileSync } from "node:fs";
import { firstLine, UserError } from "../errors.ts";

/** A program with its arguments, and the items; undefined: they come from standard input. */
export interface CommandLine {
  command: string[];
  items: string[] | undefined;
}

/** Items of a text: a line each; empty lines are none. */
export const linesOf = (text: string): string[] => text.split(/\r?\n/).filter((line) => line !== "");

function readLines(file: string): string[] {
  try {
    return linesOf(readFileSync(file === "-" ? 0 : file, "utf8"));
  } catch (error) {
    throw new UserError(`cannot read the items of ${file}: ${firstLine(error)}`);
  }
}

/**
 * Splits `program args ::: item item` and `program args :::: file file`.
 * @throws UserError where there is more than one source, or a file cannot be read.
 */
export function parseCommandLine(words: string[]): CommandLine {
  const at = words.findIndex((word) => word === ":::" || word === "::::");
  if (at < 0) return { command: words, items: undefined };
  const rest = words.slice(at + 1);
  if (rest.some((word) => word === ":::" || word === "::::"))
    throw new UserError("there is one source of items: give `:::` or `::::` once");
  if (rest.length === 0) throw new UserError(`there is nothing after ${words[at]}: give items, or files with items`);
  return { command: words.slice(0, at), items: words[at] === ":::" ? rest : rest.flatMap(readLines) };
}
