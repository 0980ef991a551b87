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

/** Options that say where items are, and how they end. */
export interface SourceOptions {
  /** A file with items. */
  argFile?: string;
  /** They end with zero bytes. */
  null?: boolean;
}

/**
 * Items of a file, as `itemsFile` has them: a line each, empty lines are none; also gzipped, UTF-16, or a JSON array.
 * @param file `-` is standard input, which is read to its end, however slowly it comes.
 * @throws UserError if it cannot be read, or is no list.
 */
export async function readItems(file: string, { null: isNull }: SourceOptions = {}): Promise<string[]> {
  let content: Buffer;
  try {
    // Not readFileSync(0): another process, or a look at isTTY, may have made the pipe non-blocking.
    content = await (file === "-" ? buffer(process.stdin) : readFile(file));
  } catch (error) {
    throw new UserError(`cannot read the items of ${file}: ${firstLine(error)}`);
  }
  try {
    const { format, bytes } = isNull ? { format: "text", bytes: content } : itemsContent(file, content);
    if (!isUtf8(bytes))
      throw new UserError(`the items of ${file} are not UTF-8; from Latin-1: iconv -f LATIN1 -t UTF-8`);
    const text = bytes.toString().replace(/^\ufeff/, "");
    const lines = text.split(isNull ? "\0" : /\r?\n/).filter((line) => line !== "");
    return format === "strings" ? lines.map((line) => JSON.parse(line) as string) : lines;
  } catch (error) {
    throw new UserError(firstLine(error).replace("Expected `itemsFile`", "expected the items"));
  }
}

/** A word before items. With `+`, they are paired with the items of the source before. */
const SOURCE = /^(:{3,4})(\+?)$/;
/** Most combinations. Whatever the items are, more do not fit into a run. */
const MAX_COMBINATIONS = 1_000_000;

/**
 * Splits `program args ::: item item` and `program args :::: file file`. Of several sources, each combination is an
 * item, a JSON array.
 * @throws UserError if a source has no items, or a file cannot be read.
 */
export async function parseCommandLine(given: string[], options: SourceOptions = {}): Promise<CommandLine> {
  const words = [...given];
  const at = words.findIndex((word) => SOURCE.test(word));
  if (options.argFile !== undefined) words.splice(at < 0 ? words.length : at, 0, "::::", options.argFile);
  const starts = words.flatMap((word, index) => (SOURCE.test(word) ? [index] : []));
  if (starts.length === 0) return { command: words, items: undefined };
  /** The parts of items of each source, and of those that are paired with it. */
  const sources: string[][][] = [];
  for (const [number, start] of starts.entries()) {
    const [word, kind, isPaired] = SOURCE.exec(words[start]!)!;
    const rest = words.slice(start + 1, starts[number + 1]);
    if (rest.length === 0) throw new UserError(`there is nothing after ${word}: give items, or files with items`);
    const read = (file: string) => readItems(file, options);
    const values = kind === ":::" ? rest : (await Promise.all(rest.map(read))).flat();
    const before = isPaired ? sources.pop() : values.map(() => []);
    if (before?.length !== values.length)
      throw new UserError(
        `${word} needs as many items as the source before it has: ${before?.length ?? "none"}, not ${values.length}`,
      );
    sources.push(before.map((parts, index) => [...parts, values[index]!]));
  }
  const count = sources.reduce((product, { length }) => product * length, 1);
  if (count > MAX_COMBINATIONS) throw new UserError(`${count} combinations are too many for a run: use a stack`);
  const all = sources.reduce((some, parts) => some.flatMap((one) => parts.map((other) => [...one, ...other])));
  const items = all.map((parts) => (parts.length === 1 ? parts[0]! : JSON.stringify(parts)));
  return { command: words.slice(0, starts[0]), items };
}
