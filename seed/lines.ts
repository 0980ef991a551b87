// Lines of a file, in bytes.
import type { ItemBlock } from "../queue/index.ts";

/** Lines in one buffer. The arrays are used again for the next block. */
export interface LineBlock extends ItemBlock {
  starts: Uint32Array;
  ends: Uint32Array;
  /** Number of the first line, from 1. */
  firstLine: number;
}

const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Splits bytes into lines. A line ends at a line feed and at nothing else; a carriage return before it, and a byte
 * order mark at the beginning of the file, belong to none.
 * @param maxBytes Longest line.
 * @param tooLong Makes the error for a longer one from its number.
 */
export async function* lineBlocks(
  input: AsyncIterable<Buffer>,
  maxBytes: number,
  tooLong: (line: number) => Error,
): AsyncGenerator<LineBlock> {
  const block: LineBlock = {
    bytes: Buffer.alloc(0),
    starts: new Uint32Array(0),
    ends: new Uint32Array(0),
    count: 0,
    firstLine: 1,
  };
  let nextLine = 1;
  /** The beginning of a line whose end has not been read yet. */
  let begun: Buffer[] = [];
  let begunBytes = 0;

  const add = (start: number, end: number) => {
    const { bytes, count } = block;
    if (nextLine === 1 && bytes.subarray(start, start + 3).equals(BYTE_ORDER_MARK)) start += 3;
    block.starts[count] = start;
    block.ends[count] = end > start && bytes[end - 1] === CARRIAGE_RETURN ? end - 1 : end;
    block.count++;
    nextLine++;
  };
  const open = (bytes: Buffer, lines: number) => {
    block.firstLine = nextLine;
    block.count = 0;
    block.bytes = bytes;
    if (lines <= block.starts.length) return;
    block.starts = new Uint32Array(lines);
    block.ends = new Uint32Array(lines);
  };
  const openLine = () => {
    open(Buffer.concat(begun), 1);
    begun = [];
    begunBytes = 0;
    add(0, block.bytes.length);
  };

  for await (const chunk of input) {
    let start = 0;
    if (begunBytes > 0) {
      const end = chunk.indexOf(LINE_FEED);
      const part = end < 0 ? chunk : chunk.subarray(0, end);
      begun.push(part);
      begunBytes += part.length;
      if (begunBytes > maxBytes) throw tooLong(nextLine);
      if (end < 0) continue;
      openLine();
      yield block;
      start = end + 1;
    }
    open(chunk, chunk.length);
    for (let end; (end = chunk.indexOf(LINE_FEED, start)) >= 0; start = end + 1) add(start, end);
    if (block.count > 0) yield block;
    if (start < chunk.length) begun.push(chunk.subarray(start));
    begunBytes = chunk.length - start;
  }
  if (begunBytes === 0) return;
  openLine();
  yield block;
}
