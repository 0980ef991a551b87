import { keys } from "../../redis/keys.ts";
import { Script } from "../../redis/script.ts";
import { SeedInterruptedError } from "../seedErrors.ts";
import type { QueueReader } from "../seedSession.ts";
import { ExternalItems, type Range } from "./externalItems.ts";

/** Most items of a page, and the bytes after which it ends: a script blocks Redis while it runs. */
const MAX_ITEMS = 2_000;
const MAX_BYTES = 512 * 1024;

const readList = new Script("read/list");

/** The waiting list during an edit: nothing is taken from it, but others may push. */
export class WaitingList {
  readonly #reader: QueueReader;
  readonly #onStep: () => void;
  readonly external: ExternalItems;

  private constructor(reader: QueueReader, external: ExternalItems, onStep: () => void) {
    this.#reader = reader;
    this.external = external;
    this.#onStep = onStep;
  }

  /** The list as it is now. */
  static async open(reader: QueueReader, onStep: () => void): Promise<WaitingList> {
    const { list, batch } = keys(reader.queue);
    const read = () => reader.redis.multi().hmget(batch, "lastId", "knownUpTo", "externalRanges").llen(list).exec();
    const replies = (await reader.call(read)) as [[null, (string | null)[]], [null, number]];
    const [[, [lastId, knownUpTo, externalRanges]], [, length]] = replies;
    const external = new ExternalItems(Number(lastId ?? 0), length, Number(knownUpTo ?? 0), externalRanges ?? "");
    return new WaitingList(reader, external, onStep);
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
    const { redis, queue } = this.#reader;
    const end = Math.min(first + MAX_ITEMS - 1, last);
    const page = (await this.#reader.call(() => readList.runForBytes(redis, queue, first, end, MAX_BYTES))) as Buffer[];
    if (page.length === 0) throw new SeedInterruptedError("another program takes from the list");
    this.#onStep();
    return page;
  }
}
