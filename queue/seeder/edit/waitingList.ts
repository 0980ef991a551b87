import { keys } from "../../redis/keys.ts";
import { PageSizer } from "../../redis/pageSizer.ts";
import { SeedInterruptedError } from "../seedErrors.ts";
import type { SeedSession } from "../seedSession.ts";
import { ExternalItems, type Range } from "./externalItems.ts";

/** The waiting list during an edit: nothing is taken from it, but others may push. */
export class WaitingList {
  readonly #session: SeedSession;
  readonly #onStep: () => void;
  readonly #sizer = new PageSizer();
  readonly external: ExternalItems;

  private constructor(session: SeedSession, external: ExternalItems, onStep: () => void) {
    this.#session = session;
    this.external = external;
    this.#onStep = onStep;
  }

  /** The list as it is now. */
  static async open(session: SeedSession, onStep: () => void): Promise<WaitingList> {
    const { list, batch } = keys(session.queue);
    const read = () => session.redis.multi().hmget(batch, "lastId", "knownUpTo", "externalRanges").llen(list).exec();
    const replies = (await session.call(read)) as [[null, (string | null)[]], [null, number]];
    const [[, [lastId, knownUpTo, externalRanges]], [, length]] = replies;
    const external = new ExternalItems(Number(lastId ?? 0), length, Number(knownUpTo ?? 0), externalRanges ?? "");
    return new WaitingList(session, external, onStep);
  }

  /** The items of some ranges, page by page. The next page is on its way while one is looked at. */
  async *pages(ranges: Range[]): AsyncGenerator<Buffer[], void> {
    for (const [first, last] of ranges) {
      let coming = this.#read(first, last);
      for (let next = first; next <= last;) {
        const page = await coming;
        next += page.length;
        coming = this.#read(next, last);
        coming.catch(() => {}); // nobody may want it any more
        yield page;
      }
    }
  }

  async #read(first: number, last: number): Promise<Buffer[]> {
    if (first > last) return [];
    const { redis, queue } = this.#session;
    const end = Math.min(first + this.#sizer.size - 1, last);
    const page = await this.#session.call(() => redis.lrangeBuffer(keys(queue).list, first, end));
    if (page.length < end - first + 1) throw new SeedInterruptedError("another program takes from the list");
    this.#sizer.observe(page);
    this.#onStep();
    return page;
  }
}
