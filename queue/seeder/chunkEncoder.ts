import { createHash, type Hash } from "node:crypto";

/**
 * An item is at most this long, bytes: 1 MiB. Longer ones belong in a file or an object store, their name in the list.
 */
export const MAX_ITEM_BYTES = 1024 * 1024;

/** A chunk is full at this many items (Lua passes less than 8000 arguments at once) or bytes. */
const MAX_ITEMS = 5000;
const MAX_BYTES = 128 * 1024;

/**
 * Room before the items for the beginning of the command, which ends with the head of the MessagePack array; and after
 * them for the command's end.
 */
const HEAD = 1024;
const TAIL = 2;

/** A packed chunk. */
export interface EncodedChunk {
  /** How many items it holds. */
  count: number;
  /** The digest of everything packed so far, this chunk included. */
  digest: string;
  /**
   * The bytes of the Redis command with these arguments and the chunk as its last one; good until `underWay` more
   * chunks were packed.
   */
  command: (...args: (string | number)[]) => Buffer;
}

/**
 * Items in the form in which a script gets them: a MessagePack array in one buffer, which Redis takes apart in C. One
 * object packs chunk after chunk; whatever it packed also goes into a rolling digest, which depends on the items and
 * their order, not on where the chunks were cut.
 */
export class ChunkEncoder {
  readonly #hash: Hash = createHash("sha256");
  /** Taken in turn, so that as many chunks can be under way while nothing is allocated. */
  readonly #ring: Buffer[];
  #turn = 0;
  #bytes: Buffer;
  #end = HEAD;

  /** Items in the chunk that is being packed. */
  count = 0;

  /** @param underWay How many packed chunks may be in use while the next one is packed. */
  constructor(underWay: number) {
    this.#ring = Array.from({ length: underWay + 1 }, () => Buffer.allocUnsafe(HEAD + MAX_BYTES + TAIL));
    this.#bytes = this.#ring[0]!;
  }

  /** Adds an item, or answers false: the chunk is full and must be {@link encode}ed first. */
  add(item: string | Buffer): boolean {
    if (this.count === MAX_ITEMS) return false;
    if (typeof item === "string" && item.length < 32 && this.#addShort(item)) return true;
    const length = Buffer.byteLength(item);
    const end = this.#end + 5 + length + TAIL;
    if (end > this.#bytes.length) {
      if (this.count > 0) return false;
      this.#bytes = Buffer.allocUnsafe(end);
    }
    this.#addHead(length);
    if (typeof item === "string") this.#bytes.write(item, this.#end);
    else this.#bytes.set(item, this.#end);
    this.#end += length;
    this.count++;
    return true;
  }

  /** Ends the chunk; the next one begins. */
  encode(): EncodedChunk {
    const [bytes, end, count] = [this.#bytes, this.#end, this.count];
    this.#hash.update(bytes.subarray(HEAD, end));
    const digest = this.#hash.copy().digest("hex").slice(0, 32);
    this.#turn = (this.#turn + 1) % this.#ring.length;
    this.#bytes = this.#ring[this.#turn]!;
    this.#end = HEAD;
    this.count = 0;
    return { count, digest, command: (...args) => frame(bytes, end, count, args) };
  }

  /** The fast path of a short ASCII text, which is what most lists hold: no call leaves JavaScript. */
  #addShort(item: string): boolean {
    const { length } = item;
    let end = this.#end;
    const bytes = this.#bytes;
    if (end + 1 + length + TAIL > bytes.length) return false;
    bytes[end++] = 0xa0 | length;
    for (let index = 0; index < length; index++) {
      const code = item.charCodeAt(index);
      if (code > 127) return false;
      bytes[end++] = code;
    }
    this.#end = end;
    this.count++;
    return true;
  }

  /** The shortest MessagePack head of a string, so that equal items have equal bytes. */
  #addHead(length: number): void {
    const bytes = this.#bytes;
    if (length < 32) {
      bytes[this.#end++] = 0xa0 | length;
    } else if (length < 0x100) {
      bytes[this.#end++] = 0xd9;
      bytes[this.#end++] = length;
    } else if (length < 0x10000) {
      bytes[this.#end++] = 0xda;
      this.#end = bytes.writeUInt16BE(length, this.#end);
    } else {
      bytes[this.#end++] = 0xdb;
      this.#end = bytes.writeUInt32BE(length, this.#end);
    }
  }
}

/**
 * Puts a command around the items where they lie: a client that builds it would copy every chunk, which is most of the
 * memory a seeding needs.
 */
function frame(bytes: Buffer, end: number, count: number, args: (string | number)[]): Buffer {
  const words = args.map((arg) => `$${Buffer.byteLength(String(arg))}\r\n${arg}\r\n`);
  const head = `*${args.length + 1}\r\n${words.join("")}$${end - HEAD + 5}\r\n`;
  const start = HEAD - 5 - Buffer.byteLength(head);
  bytes.write(head, start);
  bytes[HEAD - 5] = 0xdd;
  bytes.writeUInt32BE(count, HEAD - 4);
  bytes.write("\r\n", end);
  return bytes.subarray(start, end + TAIL);
}
