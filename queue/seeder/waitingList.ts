import type { MultisetDiff } from "./multisetDiff.ts";
import type { ExternalItems } from "./externalItems.ts";
import { PageSizer } from "../redis/pageSizer.ts";
import { SeedInterruptedError, type SeedSession } from "./seedSession.ts";

/** The waiting list during an edit, read and rewritten page by page. Only pushes by hand happen beside it. */
export class WaitingList {
  readonly #link: SeedSession;
  readonly #next: () => string;
  readonly #alive: () => void;
  readonly #pager = new PageSizer();
  places: ExternalItems;

  /**
   * @param next Gives the digest that the next step leaves.
   * @param alive Called at each step forward.
   */
  constructor(link: SeedSession, next: () => string, alive: () => void, known: ExternalItems) {
    this.#link = link;
    this.#next = next;
    this.#alive = alive;
    this.places = known;
  }

  /** Every waiting item, and whether it was pushed by hand. */
  async forEach(see: (payload: Buffer, pushed: boolean) => void): Promise<void> {
    const { length } = this.places;
    const pushed = this.places.flags();
    const read = (first: number) => this.#read(first, Math.min(first + this.#pager.size, length));
    let ahead = read(0);
    for (let first = 0; first < length;) {
      const page = await ahead;
      first += page.length;
      ahead = read(first);
      for (const payload of page) see(payload, pushed.next().value!);
    }
    await ahead;
  }

  /**
   * Moves the first `count` to the end, without those that `balance` has too many of. Once around the whole list, all
   * else has its order again.
   */
  async rotate(count: number, balance?: MultisetDiff): Promise<void> {
    for (let left = count; left > 0;) {
      const size = Math.min(left, this.#pager.size);
      left -= size;
      const drops = balance && balance.surplus > 0 ? await this.#pick(size, balance) : new Map<number, Buffer>();
      await this.#turn(size, drops, left);
    }
  }

  /** What is to be dropped of the first `size`, by index. */
  async #pick(size: number, balance: MultisetDiff): Promise<Map<number, Buffer>> {
    const pushed = this.places.flags();
    const drops = new Map<number, Buffer>();
    for (const [index, payload] of (await this.#read(0, size)).entries()) {
      if (!pushed.next().value && balance.takeSurplus(payload)) drops.set(index, payload);
    }
    return drops;
  }

  async #turn(size: number, drops: Map<number, Buffer>, left: number): Promise<void> {
    const pairs = [...drops].flatMap(([index, payload]) => [index + 1, payload]);
    for (;;) {
      const { length } = this.places;
      const then = this.places.copy();
      then.rotate(size, (index) => !drops.has(index));
      const { through, pushed } = then.serialize();
      const other = await this.#link.turn(this.#next(), length, size, left, through, pushed, ...pairs);
      this.#alive();
      if (other === undefined) {
        this.places = then;
        return;
      }
      if (other < length) throw new SeedInterruptedError("another program takes from the list");
      // Pushed by hand since: behind all that is there, before what is moved.
      this.places.append(other - length);
    }
  }

  /** The items from `first` to before `end`. */
  async #read(first: number, end: number): Promise<Buffer[]> {
    if (first >= end) return [];
    const { redis, queue } = this.#link;
    const page = await this.#link.call(() => redis.lrangeBuffer(queue, first, end - 1));
    this.#alive();
    this.#pager.observe(page);
    if (page.length < end - first) throw new SeedInterruptedError("another program takes from the list");
    return page;
  }
}
