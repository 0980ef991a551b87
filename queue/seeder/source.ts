import { MAX_ITEM_BYTES } from "./chunkEncoder.ts";
import type { ItemSource } from "../types.ts";

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
 * A loop over the items, without a promise for each where the source has none.
 * @param each Gets every item; a promise it returns is awaited before the next one.
 * @returns How many there were.
 * @throws Error for an item that is none, with its number from 1.
 */
export async function forEachItem(
  source: ItemSource,
  each: (item: string | Buffer) => void | Promise<void>,
): Promise<number> {
  const items =
    Symbol.asyncIterator in source
      ? source[Symbol.asyncIterator]()
      : (source as Iterable<string | Buffer>)[Symbol.iterator]();
  let count = 0;
  try {
    for (;;) {
      let step = items.next();
      if (step instanceof Promise) step = await step;
      const { done, value } = step as IteratorResult<string | Buffer>;
      if (done) return count;
      count++;
      checkItem(value, count);
      const busy = each(value);
      if (busy) await busy;
    }
  } finally {
    await items.return?.();
  }
}

function checkItem(item: unknown, number: number): void {
  if (typeof item === "string" && item.length * 3 <= MAX_ITEM_BYTES) return;
  if (typeof item !== "string" && !Buffer.isBuffer(item)) {
    throw new TypeError(
      `Item ${number} is neither a string nor a Buffer, but ${item === null ? "null" : typeof item}.`,
    );
  }
  const bytes = Buffer.byteLength(item);
  if (bytes > MAX_ITEM_BYTES) {
    throw new RangeError(
      `Item ${number} has ${bytes} bytes, more than ${MAX_ITEM_BYTES} (1 MiB): put it into a file or bucket and its name into the list.`,
    );
  }
}
