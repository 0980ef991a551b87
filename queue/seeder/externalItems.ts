/** Neighbouring places in the list that were filled by the same hand. */
interface Range {
  isExternal: boolean;
  length: number;
}

/**
 * Which items were pushed by hand, and so are never removed. An item's place is its number in the order of first
 * giving: the id of one that was taken, for a waiting one the last id plus its index in the list from 1. The seeder
 * notes up to which place it knows all (`through`) and which of those were pushed (`pushed`, as `3-5,9-9,`); whatever
 * lies beyond was pushed, too. Right as long as nobody pops from the list by hand.
 */
export class ExternalItems {
  #last: number;
  #reservedRanges: [number, number][] = [];
  #waitingRanges: Range[] = [];

  /**
   * @param last The last id given.
   * @param length How long the list is.
   */
  constructor(last: number, length: number, through: number, pushed: string) {
    this.#last = last;
    let place = last;
    const ranges = [...pushed.matchAll(/(\d+)-(\d+),/g)].map(
      ([, from, to]) => [Number(from), Number(to)] as [number, number],
    );
    for (const [from, to] of [...ranges, [through + 1, Infinity] as [number, number]]) {
      if (from <= last) this.#reservedRanges.push([from, Math.min(to, last)]);
      const first = Math.max(from, last + 1);
      const end = Math.min(to, last + length);
      if (first > end) continue;
      this.#append(false, first - 1 - place);
      this.#append(true, end - first + 1);
      place = end;
    }
    this.#append(false, last + length - place);
  }

  /** Whether the item with this id was pushed by hand. */
  includes(id: number): boolean {
    return this.#reservedRanges.some(([from, to]) => from <= id && id <= to);
  }

  /** For each waiting item, from the head, whether it was pushed by hand. */
  *flags(): Generator<boolean> {
    for (const { isExternal: pushed, length } of this.#waitingRanges)
      for (let index = 0; index < length; index++) yield pushed;
  }

  copy(): ExternalItems {
    const copy = new ExternalItems(0, 0, 0, "");
    copy.#last = this.#last;
    copy.#reservedRanges = [...this.#reservedRanges];
    copy.#waitingRanges = this.#waitingRanges.map((run) => ({ ...run }));
    return copy;
  }

  /** Somebody pushed this many more. */
  append(by: number): void {
    this.#append(true, by);
  }

  /** Takes what is at the head and puts at the end what is kept of it. */
  rotate(count: number, keep: (index: number) => boolean): void {
    for (let index = 0; index < count; index++) {
      const head = this.#waitingRanges[0]!;
      if (--head.length === 0) this.#waitingRanges.shift();
      if (keep(index)) this.#append(head.isExternal, 1);
    }
  }

  /** How many wait. */
  get length(): number {
    return this.#waitingRanges.reduce((sum, run) => sum + run.length, 0);
  }

  /** As the seeder notes it. */
  serialize(): { through: number; pushed: string } {
    let place = this.#last;
    let text = this.#reservedRanges.map(([from, to]) => `${from}-${to},`).join("");
    for (const { isExternal: pushed, length } of this.#waitingRanges) {
      if (pushed) text += `${place + 1}-${place + length},`;
      place += length;
    }
    return { through: place, pushed: text };
  }

  #append(pushed: boolean, length: number): void {
    if (length <= 0) return;
    const end = this.#waitingRanges.at(-1);
    if (end?.isExternal === pushed) end.length += length;
    else this.#waitingRanges.push({ isExternal: pushed, length });
  }
}
