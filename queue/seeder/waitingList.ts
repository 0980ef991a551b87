import type { Balance } from "./multisetDiff.ts";
import type { Places } from "./externalItems.ts";
import { Pager } from "../redis/pageSizer.ts";
import { Interrupted, type SeedLink } from "./seedSession.ts";

/** The waiting list during an edit, read and rewritten page by page. Only pushes by hand happen beside it. */
export class Waiting {
  readonly #link: SeedLink;
  readonly #next: () => string;
  readonly #alive: () => void;
  readonly #pager = new Pager();
  places: Places;

  /**
   * @param next Gives the digest that the next step leaves.
   * @param alive Called at each step forward.
   */
  constructor(link: SeedLink, next: () => string, alive: () => void, known: Places) {
    this.#link = link;
    this.#next = next;
    this.#alive = alive;
    this.places = known;
  }

  /** Every waiting item, and whether it was pushed by hand. */
  async each(see: (payload: Buffer, pushed: boolean) => void): Promise<void> {
    const { length } = this.places;
    const pushed = this.places.waiting();
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
  async around(count: number, balance?: Balance): Promise<void> {
    for (let left = count; left > 0;) {
      const size = Math.min(left, this.#pager.size);
      left -= size;
      const drops = balance && balance.surplus > 0 ? await this.#pick(size, balance) : new Map<number, Buffer>();
      await this.#turn(size, drops, left);
    }
  }

  /** What is to be dropped of the first `size`, by index. */
  async #pick(size: number, balance: Balance): Promise<Map<number, Buffer>> {
    const pushed = this.places.waiting();
    const drops = new Map<number, Buffer>();
    for (const [index, payload] of (await this.#read(0, size)).entries()) {
      if (!pushed.next().value && balance.drop(payload)) drops.set(index, payload);
    }
    return drops;
  }

  async #turn(size: number, drops: Map<number, Buffer>, left: number): Promise<void> {
    const pairs = [...drops].flatMap(([index, payload]) => [index + 1, payload]);
    for (;;) {
      const { length } = this.places;
      const then = this.places.copy();
      then.turn(size, (index) => !drops.has(index));
      const { through, pushed } = then.note();
      const other = await this.#link.turn(this.#next(), length, size, left, through, pushed, ...pairs);
      this.#alive();
      if (other === undefined) {
        this.places = then;
        return;
      }
      if (other < length) throw new Interrupted("another program takes from the list");
      // Pushed by hand since: behind all that is there, before what is moved.
      this.places.grew(other - length);
    }
  }

  /** The items from `first` to before `end`. */
  async #read(first: number, end: number): Promise<Buffer[]> {
    if (first >= end) return [];
    const { redis, queue } = this.#link;
    const page = await this.#link.call(() => redis.lrangeBuffer(queue, first, end - 1));
    this.#alive();
    this.#pager.read(page);
    if (page.length < end - first) throw new Interrupted("another program takes from the list");
    return page;
  }
}
