/** A range of places, both ends included. */
export type Range = [first: number, last: number];

/**
 * Tracks external items, which an edit never removes. An item's place is its id or, for a waiting item, the last id
 * plus its index in the list from 1. The seeder notes up to which place it knows all items (`knownUpTo`), and the
 * external ones among them (`externalRanges`, `3-5,9-9,`). All items beyond are external, too. This is right as long as
 * no other program takes from the list.
 */
export class ExternalItems {
  readonly #lastId: number;
  readonly #ranges: Range[];
  /** Length of the waiting list. */
  readonly length: number;

  constructor(lastId: number, length: number, knownUpTo: number, externalRanges: string) {
    this.#lastId = lastId;
    this.length = length;
    const known = [...externalRanges.matchAll(/(\d+)-(\d+),/g)].map(([, first, last]): Range => [
      Number(first),
      Number(last),
    ]);
    const end = lastId + length;
    this.#ranges = [...known, [knownUpTo + 1, end] as Range]
      .map(([first, last]): Range => [first, Math.min(last, end)])
      .filter(([first, last]) => first <= last);
  }

  /** True if the item that was taken under this id is external. */
  includes(id: number): boolean {
    return this.#ranges.some(([first, last]) => first <= id && id <= last);
  }

  /** External items of the waiting list, as indices from 0. */
  get waiting(): Range[] {
    const from = this.#lastId + 1;
    return this.#ranges
      .filter(([, last]) => last >= from)
      .map(([first, last]) => [Math.max(first, from) - from, last - from]);
  }

  /** All other items of the waiting list, as indices from 0. */
  get ownWaiting(): Range[] {
    const own: Range[] = [];
    let next = 0;
    for (const [first, last] of this.waiting) {
      if (first > next) own.push([next, first - 1]);
      next = last + 1;
    }
    if (next < this.length) own.push([next, this.length - 1]);
    return own;
  }

  /** `externalRanges` of the items that were taken. */
  get taken(): string {
    return this.#ranges
      .filter(([first]) => first <= this.#lastId)
      .map(([first, last]) => `${first}-${Math.min(last, this.#lastId)},`)
      .join("");
  }
}
