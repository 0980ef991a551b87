import { hash } from "node:crypto";

/** Slots at the beginning; always a power of two. */
const SLOTS = 1024;

/**
 * How many copies of each item are missing (above zero) or too many (below), by a 95-bit digest of its bytes: 16 bytes a slot in typed arrays, where a Map of
 * ten million strings would take gigabytes. Two different items fall together with a probability of 1 in 10^14 at ten million items.
 */
export class Balance {
  #digests = new Int32Array(SLOTS * 3);
  #copies = new Int32Array(SLOTS);
  #used = 0;
  /** Copies that are missing, and that are too many, over all items. */
  missing = 0;
  surplus = 0;

  /** One more copy is wanted (`by` 1) or there (`by` -1). */
  add(item: string | Buffer, by: 1 | -1): void {
    this.#change(this.#slot(item), by);
  }

  /** Takes one copy off what is missing or too many; answers whether there was any. */
  cancel(item: string | Buffer, what: "missing" | "surplus"): boolean {
    const slot = this.#slot(item);
    const copies = this.#copies[slot]!;
    if (what === "missing" ? copies <= 0 : copies >= 0) return false;
    this.#change(slot, what === "missing" ? -1 : 1);
    return true;
  }

  #change(slot: number, by: 1 | -1): void {
    const copies = this.#copies[slot]!;
    if (by > 0 ? copies >= 0 : copies > 0) this.missing += by;
    else this.surplus -= by;
    this.#copies[slot] = copies + by;
  }

  #slot(item: string | Buffer): number {
    if (this.#used * 3 > this.#copies.length * 2) this.#grow();
    const digest = hash("sha256", item, "buffer");
    return this.#find(digest.readInt32LE(0) | 1, digest.readInt32LE(4), digest.readInt32LE(8));
  }

  /** The slot of a digest, taken by it if it had none: the first word is never 0, which marks a free one. */
  #find(a: number, b: number, c: number): number {
    const mask = this.#copies.length - 1;
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
    const [digests, copies] = [this.#digests, this.#copies];
    this.#digests = new Int32Array(digests.length * 2);
    this.#copies = new Int32Array(copies.length * 2);
    this.#used = 0;
    for (let slot = 0; slot < copies.length; slot++) {
      const at = slot * 3;
      if (digests[at] === 0) continue;
      this.#copies[this.#find(digests[at]!, digests[at + 1]!, digests[at + 2]!)] = copies[slot]!;
    }
  }
}
