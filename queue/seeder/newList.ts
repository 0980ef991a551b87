import { keys } from "../redis/keys.ts";
import type { ItemSource } from "../types.ts";
import { ChunkEncoder } from "./chunkEncoder.ts";
import type { Range } from "./externalItems.ts";
import type { MultisetDiff } from "./multisetDiff.ts";
import { SeedInterruptedError } from "./seedErrors.ts";
import { MAX_CHUNKS_IN_FLIGHT, type SeedSession } from "./seedSession.ts";
import { forEachItem } from "./source.ts";
import type { TakenItems } from "./takenItems.ts";
import type { WaitingList } from "./waitingList.ts";

/** What a new list is made from. */
export interface Ingredients {
  source: ItemSource;
  /** Items of the source that are not to wait: they were taken before. */
  taken: TakenItems;
  /** The list that is replaced: what others pushed stays. */
  old: WaitingList;
  /** Gets the items that wait then, minus those that waited before. */
  change: MultisetDiff;
}

/** Builds a list beside the waiting one and puts it in its place, in one step. Until then nothing was changed. */
export class NewList {
  readonly #session: SeedSession;
  readonly #nextDigest: () => string;
  readonly #onStep: () => void;
  readonly #chunks: ChunkEncoder;
  #length = 0;

  constructor(session: SeedSession, nextDigest: () => string, onStep: () => void) {
    this.#session = session;
    this.#nextDigest = nextDigest;
    this.#onStep = onStep;
    this.#chunks = new ChunkEncoder(keys(session.queue).next, MAX_CHUNKS_IN_FLIGHT);
  }

  /**
   * The items of the source in their order, then those that others pushed in theirs.
   * @returns How many items the source has, and the digest of them.
   */
  async replace({ source, taken, old, change }: Ingredients): Promise<{ offset: number; digest: string }> {
    // Old items are read as fast as new ones are written: where both have the same order, `change` stays small.
    const oldPages = old.pages(old.external.ownWaiting);
    const whole = new ChunkEncoder("", 0);
    let ahead = 0;
    const keepStep = async () => {
      while (ahead > 0) {
        const { value: page } = await oldPages.next();
        if (!page) break;
        for (const item of page) change.subtract(item);
        ahead -= page.length;
      }
    };
    const offset = await forEachItem(source, (item, start, end) => {
      if (!whole.add(item, start, end)) {
        whole.encode();
        whole.add(item, start, end);
      }
      const one = typeof item === "string" ? item : item.subarray(start, end);
      if (taken.match(one)) return undefined;
      change.add(one);
      ahead++;
      const full = this.#add(one);
      return full && full.then(keepStep);
    });
    for await (const page of oldPages) for (const item of page) change.subtract(item);
    const own = this.#length;
    await this.#append(old, old.external.waiting);
    await this.#swap(old, own);
    return { offset, digest: whole.encode().digest };
  }

  /** Puts it in place; what was pushed meanwhile comes along. */
  async #swap(old: WaitingList, own: number): Promise<void> {
    for (let known = old.external.length; ;) {
      await this.#flush();
      await this.#session.allPushed();
      const digest = this.#nextDigest();
      const length = await this.#session.swap(digest, known, this.#length, own, old.external.taken);
      if (length === undefined) return;
      if (length < known) throw new SeedInterruptedError("another program takes from the list");
      await this.#append(old, [[known, length - 1]]);
      known = length;
    }
  }

  async #append(old: WaitingList, ranges: Range[]): Promise<void> {
    for await (const page of old.pages(ranges)) for (const item of page) await this.#add(item);
  }

  #add(item: string | Buffer): Promise<void> | undefined {
    this.#length++;
    if (this.#chunks.add(item)) return undefined;
    return this.#flush().then(() => void this.#chunks.add(item));
  }

  async #flush(): Promise<void> {
    if (this.#chunks.count === 0) return;
    await this.#session.push(this.#chunks.encode(), this.#nextDigest(), "next");
    this.#onStep();
  }
}
