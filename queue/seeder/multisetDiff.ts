import { hash } from "node:crypto";

/** The fewest slots; there is always a power of two of them. */
const SLOTS = 1024;

/**
 * How many copies of each item are missing (above zero) or too many (below), by a 95-bit digest of its bytes: 20 bytes
 * a slot in typed arrays, where a Map of ten million strings would take gigabytes. Two different items fall together
 * with a probability of 1 in 10^14 at ten million items.
 */
export class MultisetDiff {
  #digests: Int32Array;
  #difference: Int32Array;
  #matched: Int32Array;
  #used = 0;
  /** Copies that are missing, and that are too many, over all items. */
  missing = 0;
  surplus = 0;

  /** @param items How many different ones are expected: so many fit in without the table growing. */
  constructor(items = 0) {
    const slots = Math.max(SLOTS, 2 ** Math.ceil(Math.log2(items * 1.5 + 1)));
    this.#digests = new Int32Array(slots * 3);
    this.#difference = new Int32Array(slots);
    this.#matched = new Int32Array(slots);
  }

  /** One more copy is wanted. */
  expect(item: string | Buffer): void {
    const slot = this.#slot(item); // first: it may replace the arrays
    this.#difference[slot]!++;
    this.missing++;
  }

  /** One more copy is there; answers whether it was missing. If not, `count` says whether it is too many. */
  observe(item: string | Buffer, count: boolean): boolean {
    const slot = this.#slot(item);
    const missing = this.#difference[slot]! > 0;
    if (missing) {
      this.#matched[slot]!++;
      this.missing--;
    } else if (count) {
      this.surplus++;
    }
    if (missing || count) this.#difference[slot]!--;
    return missing;
  }

  /** Drops a copy if there are too many of it; answers whether it did. */
  takeSurplus(item: string | Buffer): boolean {
    const slot = this.#slot(item);
    if (this.#difference[slot]! >= 0) return false;
    this.#difference[slot]!++;
    this.surplus--;
    return true;
  }

  /** For each copy that is wanted, in their order: whether it is there. The first ones are. */
  takeMatched(item: string | Buffer): boolean {
    const slot = this.#slot(item);
    if (this.#matched[slot] === 0) return false;
    this.#matched[slot]!--;
    return true;
  }

  #slot(item: string | Buffer): number {
    if (this.#used * 3 > this.#difference.length * 2) this.#grow();
    const digest = hash("sha256", item, "buffer");
    return this.#find(digest.readInt32LE(0) | 1, digest.readInt32LE(4), digest.readInt32LE(8));
  }

  /** The slot of a digest, taken by it if it had none: the first word is never 0, which marks a free one. */
  #find(a: number, b: number, c: number): number {
    const mask = this.#difference.length - 1;
    for (let slot = (b ^ c) & mask; ; slot = (slot + 1) & mask) {
      const at = slot * 3;
      const there = this.#digests[at];
      if (there === a && this.#digests[at + 1] === b && this.#digests[at + 2] === c) return slot;
      if (there !== 0) continue;
      this.#digests[at] = a;
      this.#digests[at + 1] = b;
      this.#digests[at + 2] = c;
      this.#used++;
      return slot;
    }
  }

  #grow(): void {
    const [digests, copies, have] = [this.#digests, this.#difference, this.#matched];
    this.#digests = new Int32Array(digests.length * 2);
    this.#difference = new Int32Array(copies.length * 2);
    this.#matched = new Int32Array(have.length * 2);
    this.#used = 0;
    for (let slot = 0; slot < copies.length; slot++) {
      const at = slot * 3;
      if (digests[at] === 0) continue;
      const moved = this.#find(digests[at]!, digests[at + 1]!, digests[at + 2]!);
      this.#difference[moved] = copies[slot]!;
      this.#matched[moved] = have[slot]!;
    }
  }
}
