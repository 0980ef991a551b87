/** Room for items in a node of a list: 8 KiB (`list-max-listpack-size -2`), less what Redis allows for itself. */
const NODE_BYTES = 8192 - 15;
/** Bytes of a node beside its items: its struct and the head and end of its listpack. */
const NODE_STRUCT = 32;
const LISTPACK_FRAME = 7;

const ZERO = 48;

/** Estimates the memory that items take as a list of Redis, within some percent, and too low rather than too high. */
export class ListMemory {
  items = 0;
  #full = 0;
  #node = 0;

  /** Counts an item: a text, or the bytes of a buffer from `start` to before `end`. */
  add(item: string | Buffer, start: number, end: number): void {
    const size = typeof item === "string" ? textEntry(item) : bytesEntry(item, start, end);
    if (this.#node > 0 && this.#node + size > NODE_BYTES) this.#closeNode();
    this.#node += size;
    this.items++;
  }

  get bytes(): number {
    return this.#full + (this.#node > 0 ? nodeBytes(this.#node) : 0);
  }

  #closeNode(): void {
    this.#full += nodeBytes(this.#node);
    this.#node = 0;
  }
}

/** Upper bound of that memory, for items that have this many bytes together, separators included. */
export function mostListMemory(bytes: number): number {
  // An empty item takes two bytes, one of a byte three; of large ones up to a fifth is lost to rounding.
  return bytes * 2.2 + NODE_BYTES;
}

function textEntry(item: string): number {
  const isNumber = item.length <= 15 && /^(0|[1-9]\d*)$/.test(item);
  return entry(isNumber ? numberBytes(Number(item)) : textBytes(Buffer.byteLength(item)));
}

function bytesEntry(bytes: Buffer, start: number, end: number): number {
  const length = end - start;
  if (length === 0 || length > 15 || (bytes[start] === ZERO && length > 1)) return entry(textBytes(length));
  let number = 0;
  for (let index = start; index < end; index++) {
    const digit = bytes[index]! - ZERO;
    if (digit < 0 || digit > 9) return entry(textBytes(length));
    number = number * 10 + digit;
  }
  return entry(numberBytes(number));
}

/** A listpack notes the length of an item once more behind it, for reading backwards. */
function entry(size: number): number {
  return size + (size < 128 ? 1 : size < 16_384 ? 2 : size < 2_097_152 ? 3 : 4);
}

function textBytes(length: number): number {
  return length + (length < 64 ? 1 : length < 4096 ? 2 : 5);
}

/** Numbers are kept in binary. */
function numberBytes(value: number): number {
  if (value < 128) return 1;
  if (value < 2 ** 12) return 2;
  if (value < 2 ** 15) return 3;
  if (value < 2 ** 23) return 4;
  return value < 2 ** 31 ? 5 : 9;
}

/** Size that the allocator gives for a node: one of four sizes between two powers of two. */
function nodeBytes(items: number): number {
  const bytes = items + LISTPACK_FRAME;
  const step = Math.max(16, 2 ** (Math.ceil(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step + NODE_STRUCT;
}
