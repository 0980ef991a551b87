import { createHash, type Hash } from "node:crypto";

/** Size at which a chunk is full, bytes. One longer item is a chunk of its own. */
const CHUNK_BYTES = 128 * 1024;

/** Room for the number of words with which a command begins: `*1234567`. */
const COUNT_BYTES = 8;

/** Longest run of bytes that is copied one by one; beyond it a call that leaves JavaScript is faster. */
const SHORT = 48;

/** Length from which on the bytes of a text are counted before they are written. */
const LONG = 1024;

const CARRIAGE_RETURN = 13;
const LINE_FEED = 10;
const ZERO = 48;

/** Items packed into one command. */
export interface EncodedChunk {
  count: number;
  /** Digest of everything encoded so far, this chunk included. */
  digest: string;
  /** The command `RPUSH key item…`. Its buffer is used again after as many more chunks as may be in flight. */
  command: Buffer;
}

/**
 * Packs items into RPUSH commands, in buffers that are used again: a client that builds a command from arguments makes
 * several objects for each item. The rolling digest depends on the items and their order, not on where chunks end.
 */
export class ChunkEncoder {
  readonly #hash: Hash = createHash("sha256");
  /** `RPUSH key` with its line ends, between the number of words and the first item. */
  readonly #verb: Buffer;
  readonly #start: number;
  readonly #ring: Buffer[];
  #turn = 0;
  #bytes: Buffer;
  #end: number;

  /** Items in the chunk that is being filled. */
  count = 0;

  /**
   * @param key The list that is pushed to.
   * @param inFlight How many encoded chunks may be in use while the next one is filled.
   */
  constructor(key: string, inFlight: number) {
    this.#verb = Buffer.from(`\r\n$5\r\nRPUSH\r\n$${Buffer.byteLength(key)}\r\n${key}\r\n`);
    this.#start = COUNT_BYTES + this.#verb.length;
    this.#ring = Array.from({ length: inFlight + 1 }, () => this.#allocate(CHUNK_BYTES));
    this.#bytes = this.#ring[0]!;
    this.#end = this.#start;
  }

  /**
   * Adds an item, or returns false: the chunk is full and must be {@link encode}d first.
   * @param item A text, bytes, or a block of items of which the one from `start` to before `end` is meant.
   */
  add(item: string | Buffer, start = 0, end = item.length): boolean {
    if (typeof item === "string") return this.#addText(item);
    const length = end - start;
    if (!this.#makeRoom(length)) return false;
    this.#addLength(length);
    if (length > SHORT) {
      item.copy(this.#bytes, this.#end, start, end);
      this.#end += length;
    } else {
      const bytes = this.#bytes;
      let to = this.#end;
      for (let from = start; from < end; from++) bytes[to++] = item[from]!;
      this.#end = to;
    }
    this.#finishItem();
    return true;
  }

  /** Ends the chunk and begins the next one. */
  encode(): EncodedChunk {
    const { count } = this;
    const bytes = this.#bytes;
    const items = bytes.subarray(this.#start, this.#end);
    this.#hash.update(items);
    const digest = this.#hash.copy().digest("hex").slice(0, 32);
    const words = `*${count + 2}`;
    const first = COUNT_BYTES - words.length;
    bytes.write(words, first, "latin1");
    const command = bytes.subarray(first, this.#end);
    this.#turn = (this.#turn + 1) % this.#ring.length;
    this.#bytes = this.#ring[this.#turn]!;
    this.#end = this.#start;
    this.count = 0;
    return { count, digest, command };
  }

  #addText(item: string): boolean {
    if (!this.#makeRoom(item.length < LONG ? item.length * 3 : Buffer.byteLength(item))) return false;
    // Nearly always ASCII, as long in bytes as in characters.
    if (!this.#writeText(item, item.length)) this.#writeText(item, Buffer.byteLength(item));
    this.#finishItem();
    return true;
  }

  /** Writes a text with its length; nothing if its bytes are more or fewer. */
  #writeText(item: string, length: number): boolean {
    const before = this.#end;
    this.#addLength(length);
    const written = this.#bytes.write(item, this.#end);
    this.#end = written === length ? this.#end + length : before;
    return written === length;
  }

  /** True if an item of this length fits in; an empty chunk is enlarged for it. */
  #makeRoom(length: number): boolean {
    const end = this.#end + length + 16;
    if (end <= this.#bytes.length) return true;
    if (this.count > 0) return false;
    this.#bytes = this.#allocate(length + 16);
    return true;
  }

  #allocate(size: number): Buffer {
    const bytes = Buffer.allocUnsafe(this.#start + size);
    this.#verb.copy(bytes, COUNT_BYTES);
    return bytes;
  }

  /** Writes `$`, the length and a line end. */
  #addLength(length: number): void {
    const bytes = this.#bytes;
    let to = this.#end;
    bytes[to++] = 36;
    if (length < 10) {
      bytes[to++] = ZERO + length;
    } else if (length < 100) {
      const tens = (length / 10) | 0;
      bytes[to++] = ZERO + tens;
      bytes[to++] = ZERO + length - tens * 10;
    } else {
      to += bytes.write(String(length), to, "latin1");
    }
    bytes[to++] = CARRIAGE_RETURN;
    bytes[to++] = LINE_FEED;
    this.#end = to;
  }

  #finishItem(): void {
    this.#bytes[this.#end++] = CARRIAGE_RETURN;
    this.#bytes[this.#end++] = LINE_FEED;
    this.count++;
  }
}
