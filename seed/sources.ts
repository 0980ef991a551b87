// Where the items come from. Each source can be read again from its beginning, and none is ever held whole in memory.
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { ConfigError } from "../config/parse.ts";

export type Format = "text" | "ndjson" | "strings";

/** An item is at most this long, bytes. */
export const MAX_ITEM_BYTES = 1024 * 1024;
/** And a line: a JSON string may need six bytes for one (`\u0000`), and its quotes. */
const MAX_LINE_BYTES = 6 * MAX_ITEM_BYTES + 2;

const bad = (reason: string) => new ConfigError(reason);
const tooLong = (number: number) =>
  bad(`Line ${number} of the items is over 1 MiB: put the data somewhere and its name in the list.`);

/** Lines end at a line feed, and at nothing else: Node's readline takes some characters that JSON allows for ends. */
async function* lines(input: AsyncIterable<Buffer>): AsyncIterable<string> {
  let rest: Buffer[] = [];
  let held = 0;
  let number = 1;
  const text = (line: Buffer) => line.toString("utf8", 0, line.at(-1) === 13 ? line.length - 1 : line.length);
  for await (const chunk of input) {
    let start = 0;
    for (let end; (end = chunk.indexOf(10, start)) >= 0; start = end + 1) {
      const line = chunk.subarray(start, end);
      yield text(rest.length > 0 ? Buffer.concat([...rest, line]) : line);
      rest = [];
      held = 0;
      number++;
    }
    if (start < chunk.length) rest.push(chunk.subarray(start));
    held += chunk.length - start;
    if (held > MAX_LINE_BYTES) throw tooLong(number);
  }
  if (rest.length > 0) yield text(Buffer.concat(rest));
}

/** What is in a gzipped file. @throws ConfigError that says which file, and why it cannot be read. */
async function* unzipped(path: string): AsyncIterable<Buffer> {
  // `pipe` would leave an error of the file to nobody.
  const input = pipeline(createReadStream(path), createGunzip(), () => {});
  try {
    for await (const chunk of input) yield chunk as Buffer;
  } catch (error) {
    throw bad(`The items in ${path} cannot be read: ${(error as Error).message}.`);
  }
}

function jsonString(line: string, number: number): string {
  try {
    const item: unknown = JSON.parse(line);
    if (typeof item === "string") return item;
  } catch {
    // said below
  }
  throw bad(`Line ${number} of the items is not a JSON string.`);
}

/** The items of a gzipped file, one a line: as it stands (`text`, `ndjson`), or as a JSON string (`strings`). Empty lines are left out. */
export function fileSource(path: string, format: Format): AsyncIterable<string> {
  return {
    async *[Symbol.asyncIterator]() {
      let number = 0;
      for await (const line of lines(unzipped(path))) {
        number++;
        if (line === "") continue;
        const item = format === "strings" ? jsonString(line, number) : line;
        // Three bytes a character at most, so most lines need no look at their bytes.
        if (item.length * 3 > MAX_ITEM_BYTES && Buffer.byteLength(item) > MAX_ITEM_BYTES) {
          throw tooLong(number);
        }
        yield item;
      }
    },
  };
}

/** The numbers of a range like `1..1000`, both ends included. */
export function rangeSource(range: string): Iterable<string> {
  const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(range) ?? [];
  if (from === undefined || Number(from) > Number(to))
    throw bad(`Expected WQ_ITEMS_RANGE to be a range like 1..1000, got ${JSON.stringify(range)}.`);
  return {
    *[Symbol.iterator]() {
      for (let number = Number(from); number <= Number(to); number++) yield String(number);
    },
  };
}
