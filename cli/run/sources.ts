// Reads the words behind `--`: the program, and its items as GNU parallel takes them.
import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { itemsContent } from "../../config/items/itemsContent.ts";
import { firstLine, UserError } from "../errors.ts";

/** A program with its arguments, and the items; undefined: they come from standard input. */
export interface CommandLine {
  command: string[];
  items: string[] | undefined;
}

/**
 * Items of a file, as `itemsFile` has them: a line each, empty lines are none; also gzipped, UTF-16, or a JSON array.
 * @param file `-` is standard input, which is read to its end, however slowly it comes.
 * @throws UserError where it cannot be read, or is no list.
 */
export async function readItems(file: string): Promise<string[]> {
  let content: Buffer;
  try {
    // Not readFileSync(0): another process, or a look at isTTY, may have made the pipe non-blocking.
    content = await (file === "-" ? buffer(process.stdin) : readFile(file));
  } catch (error) {
    throw new UserError(`cannot read the items of ${file}: ${firstLine(error)}`);
  }
  try {
    const { format, bytes } = itemsContent(file, content);
    if (!isUtf8(bytes))
      throw new UserError(`the items of ${file} are not UTF-8; from Latin-1: iconv -f LATIN1 -t UTF-8`);
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
export async function parseCommandLine(words: string[]): Promise<CommandLine> {
  const at = words.findIndex(isSource);
  if (at < 0) return { command: words, items: undefined };
  const rest = words.slice(at + 1);
  if (rest.some(isSource) || words[at]!.endsWith("+"))
    throw new UserError("items can have only one source: give `:::` or `::::` once");
  if (rest.length === 0) throw new UserError(`there is nothing after ${words[at]}: give items, or files with items`);
  const items = words[at] === ":::" ? rest : (await Promise.all(rest.map(readItems))).flat();
  return { command: words.slice(0, at), items };
}
