import { hashItem, itemHash } from "./itemHash.ts";

/** Fewest slots; there is always a power of two of them. */
const MIN_SLOTS = 1024;

/**
 * The difference of two multisets of items: how many copies of each item one has more (above zero) or less (below) than
 * the other. Items are known by 95 bits of a hash of their bytes: 16 bytes per slot in typed arrays, where a Map of ten
 * million strings would take gigabytes. Two different items fall together with a probability of 1 in 10^14 at ten
 * million items. Memory grows with the items that differ, not with those that were seen: a balanced item gives up its
 * slot when the table is full.
 */
export class MultisetDiff {
  #hashes = new Int32Array(MIN_SLOTS * 3);
  #copies = new Int32Array(MIN_SLOTS);
  #used = 0;
  /** Copies above zero, and below, over all items. */
  missing = 0;
  surplus = 0;

  /** Adds a copy. Returns whether it makes up for one that was subtracted before. */
  add(item: string | Buffer): boolean {
    const slot = this.#slot(item); // first: it may replace the arrays
    const balances = this.#copies[slot]!++ < 0;
    if (balances) this.surplus--;
    else this.missing++;
    return balances;
  }

  /** Subtracts a copy. Returns whether it makes up for one that was added before. */
  subtract(item: string | Buffer): boolean {
    const slot = this.#slot(item);
    const balances = this.#copies[slot]!-- > 0;
    if (balances) this.missing--;
    else this.surplus++;
    return balances;
  }

  /** Subtracts a copy if there is one above zero. Returns whether there was. */
  take(item: string | Buffer): boolean {
    if (this.missing === 0) return false;
    const slot = this.#slot(item);
    if (this.#copies[slot]! <= 0) return false;
    this.#copies[slot]!--;
    this.missing--;
    return true;
  }

  #slot(item: string | Buffer): number {
    if (this.#used * 3 > this.#copies.length * 2) this.#rebuild();
    hashItem(item);
    return this.#find(itemHash[0]! | 1, itemHash[1]!, itemHash[2]!);
  }

  /** The slot of a hash, occupied by it from now on. Its first word is never 0, which marks a free slot. */
  #find(a: number, b: number, c: number): number {
    const mask = this.#copies.length - 1;
    for (let slot = (b ^ c) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * 3;
      const word = this.#hashes[at];
      if (word === a && this.#hashes[at + 1] === b && this.#hashes[at + 2] === c) return slot;
      if (word !== 0) continue;
      this.#hashes[at] = a;
      this.#hashes[at + 1] = b;
      this.#hashes[at + 2] = c;
      this.#used++;
      return slot;
    }
  }

  /** Drops balanced items. If the table is still more than a third full, doubles it. */
  #rebuild(): void {
    const [hashes, copies] = [this.#hashes, this.#copies];
    const kept = copies.reduce((count, difference) => count + (difference === 0 ? 0 : 1), 0);
    const slots = kept * 3 > copies.length ? copies.length * 2 : copies.length;
    this.#hashes = new Int32Array(slots * 3);
    this.#copies = new Int32Array(slots);
    this.#used = 0;
    for (let slot = 0; slot < copies.length; slot++) {
      if (copies[slot] === 0) continue;
      const at = slot * 3;
      this.#copies[this.#find(hashes[at]!, hashes[at + 1]!, hashes[at + 2]!)] = copies[slot]!;
    }
  }
}
