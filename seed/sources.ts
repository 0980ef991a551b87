// Sources of items. Each can be read again from its beginning, and none is ever held whole in memory.
import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { ConfigError } from "../config/parse.ts";
import type { ItemsFormat } from "../config/toldSettings.ts";
import { type ItemBlock, type ItemSource, MAX_ITEM_BYTES, TOO_LONG_ADVICE } from "../queue/index.ts";
import { type LineBlock, lineBlocks } from "./lines.ts";

/** Longest line: a JSON string may need six bytes for one (`\u0000`), and its quotes; and a carriage return. */
const MAX_LINE_BYTES = 6 * MAX_ITEM_BYTES + 3;

/** Bytes that are unzipped at a time. */
const CHUNK_BYTES = 64 * 1024;

const tooLong = (line: number) => new ConfigError(`Line ${line} of the items is over 1 MiB: ${TOO_LONG_ADVICE}.`);

/**
 * The items of a gzipped file, one per line: its bytes as they are (`text`, `ndjson`), or the text of a JSON string
 * (`strings`). Empty lines are left out.
 */
export function fileSource(path: string, format: ItemsFormat): ItemSource {
  return {
    [Symbol.asyncIterator]: () => itemsOf(unzipped(createReadStream(path), path), format),
    get maxBytes() {
      return unzippedSize(path);
    },
  };
}

/** The same of bytes instead of a file. */
export function bytesSource(gzipped: Buffer, format: ItemsFormat): ItemSource {
  return { [Symbol.asyncIterator]: () => itemsOf(unzipped(Readable.from([gzipped]), "the settings"), format) };
}

async function* itemsOf(input: AsyncIterable<Buffer>, format: ItemsFormat): AsyncGenerator<string | ItemBlock> {
  const toItems = format === "strings" ? jsonStrings : nonEmpty;
  for await (const block of lineBlocks(input, MAX_LINE_BYTES, tooLong)) yield* toItems(block);
}

/** Unzips a stream. @throws ConfigError that says where it is from, and why it cannot be read. */
async function* unzipped(gzipped: Readable, origin: string): AsyncGenerator<Buffer> {
  // Unlike `pipe`, it passes errors of the stream on.
  const input = pipeline(gzipped, createGunzip({ chunkSize: CHUNK_BYTES }), () => {});
  try {
    for await (const chunk of input) yield chunk as Buffer;
  } catch (error) {
    throw new ConfigError(`The items in ${origin} cannot be read: ${(error as Error).message}.`);
  }
}

/** The size that a gzipped file notes at its end, modulo 4 GiB; undefined if there is no such file. */
function unzippedSize(path: string): number | undefined {
  try {
    const file = openSync(path, "r");
    try {
      const trailer = Buffer.alloc(4);
      readSync(file, trailer, 0, 4, fstatSync(file).size - 4);
      return trailer.readUInt32LE();
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined; // reading it will tell why
  }
}

/** The lines that are not empty, as items. */
function nonEmpty(block: LineBlock): ItemBlock[] {
  const { starts, ends } = block;
  let count = 0;
  for (let index = 0; index < block.count; index++) {
    const [start, end] = [starts[index]!, ends[index]!];
    if (start === end) continue;
    if (end - start > MAX_ITEM_BYTES) throw tooLong(block.firstLine + index);
    starts[count] = start;
    ends[count++] = end;
  }
  block.count = count;
  return [block];
}

/** The texts of lines that are JSON strings, as items. */
function* jsonStrings({ bytes, starts, ends, count, firstLine }: LineBlock): Generator<string> {
  for (let index = 0; index < count; index++) {
    if (starts[index] === ends[index]) continue;
    const item = jsonString(bytes.toString("utf8", starts[index], ends[index]), firstLine + index);
    // At most three bytes per character, so most items need no look at their bytes.
    if (item.length * 3 > MAX_ITEM_BYTES && Buffer.byteLength(item) > MAX_ITEM_BYTES) throw tooLong(firstLine + index);
    yield item;
  }
}

function jsonString(line: string, number: number): string {
  try {
    const item: unknown = JSON.parse(line);
    if (typeof item === "string") return item;
  } catch {
    // refused below
  }
  throw new ConfigError(`Line ${number} of the items is not a JSON string.`);
}

/** The numbers of a range like `1..1000`, both ends included. */
export function rangeSource(range: string): ItemSource {
  const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(range) ?? [];
  const [first, last] = [Number(from), Number(to)];
  if (from === undefined || first > last)
    throw new ConfigError(`Expected \`itemsRange\` to be a range like 1..1000, got ${JSON.stringify(range)}.`);
  return {
    *[Symbol.iterator]() {
      for (let number = first; number <= last; number += NUMBERS_A_BLOCK)
        yield numbers(number, Math.min(NUMBERS_A_BLOCK, last - number + 1));
    },
    maxBytes: (last - first + 1) * (String(last).length + 1),
  };
}

const NUMBERS_A_BLOCK = 5_000;

function numbers(first: number, count: number): ItemBlock {
  const texts = Array.from({ length: count }, (_, index) => String(first + index));
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  let end = 0;
  for (const [index, { length }] of texts.entries()) {
    starts[index] = end;
    ends[index] = end += length;
  }
  return { bytes: Buffer.from(texts.join(""), "latin1"), starts, ends, count };
}
