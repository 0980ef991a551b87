// Reads the words behind `--`: the program, and its items as GNU parallel takes them.
import { isUtf8 } from "node:buffer";
import { readFileSync } from "node:fs";
import { itemsContent } from "../../config/itemsContent.ts";
import { firstLine, UserError } from "../errors.ts";

/** A program with its arguments, and the items; undefined: they come from standard input. */
export interface CommandLine {
  command: string[];
  items: string[] | undefined;
}

/**
 * Items of a file, as `itemsFile` has them: a line each, empty lines are none; also gzipped, UTF-16, or a JSON array.
 * @param file `-` is standard input.
 * @throws UserError where it cannot be read, or is no list.
 */
export function readItems(file: string): string[] {
  let content: Buffer;
  try {
    content = readFileSync(file === "-" ? 0 : file);
  } catch (error) {
    throw new UserError(`cannot read the items of ${file}: ${firstLine(error)}`);
  }
  try {
    const { format, bytes } = itemsContent(file, content);
    if (!isUtf8(bytes))
      throw new UserError(`the items of ${file} are no UTF-8: iconv -f LATIN1 -t UTF-8 makes it of Latin-1`);
    const text = bytes.toString().replace(/^\ufeff/, "");
    const lines = text.split(/\r?\n/).filter((line) => line !== "");
    return format === "strings" ? lines.map((line) => JSON.parse(line) as string) : lines;
  } catch (error) {
    throw new UserError(firstLine(error).replace("Expected `itemsFile`", "expected the items"));
  }
}

/** A word that items come after; GNU parallel has two more, which pair the items of several sources. */
const isSource = (word: string) => /^:{3,4}\+?$/.test(word);

/**
 * Splits `program args ::: item item` and `program args :::: file file`.
 * @throws UserError where there is more than one source, or a file cannot be read.
 */
export function parseCommandLine(words: string[]): CommandLine {
  const at = words.findIndex(isSource);
  if (at < 0) return { command: words, items: undefined };
  const rest = words.slice(at + 1);
  if (rest.some(isSource) || words[at]!.endsWith("+"))
    throw new UserError("there is one source of items: give `:::` or `::::` once");
  if (rest.length === 0) throw new UserError(`there is nothing after ${words[at]}: give items, or files with items`);
  return { command: words.slice(0, at), items: words[at] === ":::" ? rest : rest.flatMap(readItems) };
}
