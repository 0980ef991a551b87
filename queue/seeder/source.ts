import { MAX_ITEM_BYTES, TOO_LONG_ADVICE } from "../limits.ts";
import type { ItemBlock, ItemSource } from "../types.ts";

/**
 * Gets an item: a text, or the bytes of a buffer from `start` to before `end`. A promise it returns is awaited before
 * the next item.
 */
export type Visitor = (item: string | Buffer, start: number, end: number) => void | Promise<void>;

/**
 * Refuses a source that can be read only once, such as a generator: a seeding that was cut off, and one that finds an
 * edited list, reads it again. Give an array, a Set, or an object whose iterator starts anew each time: `{
 * [Symbol.asyncIterator]: () => readline… }`.
 */
export function checkSource(source: ItemSource): void {
  const again = source as { [Symbol.asyncIterator]?(): unknown; [Symbol.iterator]?(): unknown };
  if ("next" in source) {
    throw new TypeError(
      "The items can be read only once (a generator or iterator): give an object whose iterator starts anew each time.",
    );
  }
  if (!again[Symbol.asyncIterator] && !again[Symbol.iterator]) {
    throw new TypeError(
      "The items cannot be iterated: give an array, or an object with an iterator or async iterator.",
    );
  }
}

/**
 * Visits the items one by one, with no promise in between unless the visitor returns one.
 * @returns How many there were.
 * @throws Error for an item that is none, with its number from 1.
 */
export async function forEachItem(source: ItemSource, visit: Visitor): Promise<number> {
  let count = 0;
  // A function of its own: a loop inside an async generator's loop is compiled badly.
  const visitBlock = async (block: ItemBlock) => {
    const { bytes, starts, ends } = block;
    for (let index = 0; index < block.count; index++) {
      count++;
      const [start, end] = [starts[index]!, ends[index]!];
      if (end - start > MAX_ITEM_BYTES) throw tooLong(count, end - start);
      const busy = visit(bytes, start, end);
      if (busy) await busy;
    }
  };
  const visitAny = (value: string | Buffer | ItemBlock): void | Promise<void> => {
    if (typeof value === "object" && value !== null && "ends" in value) return visitBlock(value);
    count++;
    checkItem(value, count);
    return visit(value, 0, value.length);
  };
  if (Symbol.asyncIterator in source) {
    for await (const value of source) await visitAny(value);
  } else {
    for (const value of source) {
      const busy = visitAny(value);
      if (busy) await busy;
    }
  }
  return count;
}

function checkItem(item: unknown, number: number): void {
  // At most three bytes per character, so most texts need no look at their bytes.
  if (typeof item === "string" && item.length * 3 <= MAX_ITEM_BYTES) return;
  if (typeof item !== "string" && !Buffer.isBuffer(item)) {
    throw new TypeError(
      `Item ${number} is neither a string nor a Buffer, but ${item === null ? "null" : typeof item}.`,
    );
  }
  const bytes = Buffer.byteLength(item);
  if (bytes > MAX_ITEM_BYTES) throw tooLong(number, bytes);
}

function tooLong(number: number, bytes: number): RangeError {
  return new RangeError(`Item ${number} has ${bytes} bytes, more than ${MAX_ITEM_BYTES} (1 MiB): ${TOO_LONG_ADVICE}.`);
}
