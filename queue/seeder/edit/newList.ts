import { keys } from "../../redis/keys.ts";
import type { ItemSource } from "../../types.ts";
import { ChunkEncoder } from "../chunkEncoder.ts";
import { ChunkPipeline, MAX_CHUNKS_IN_FLIGHT } from "../chunkPipeline.ts";
import { SeedInterruptedError } from "../seedErrors.ts";
import type { SeedSession } from "../seedSession.ts";
import { forEachItem } from "../source.ts";
import type { Range } from "./externalItems.ts";
import type { MultisetDiff } from "./multisetDiff.ts";
import type { TakenItems } from "./takenItems.ts";
import type { WaitingList } from "./waitingList.ts";

/** Ingredients of a new list. */
export interface Ingredients {
  source: ItemSource;
  /** Items that were taken before: if the source has them, they do not wait again. */
  taken: TakenItems;
  /** The list that is replaced, whose external items stay. */
  old: WaitingList;
  /** Collects the difference: the items that will wait, minus those that waited before. */
  change: MultisetDiff;
}

/** Builds a list beside the waiting one, then swaps the two in one step. Until then nothing is changed. */
export class NewList {
  readonly #session: SeedSession;
  readonly #nextDigest: () => string;
  readonly #onStep: () => void;
  readonly #chunks: ChunkEncoder;
  readonly #pipeline: ChunkPipeline;
  #length = 0;

  constructor(session: SeedSession, nextDigest: () => string, onStep: () => void) {
    this.#session = session;
    this.#nextDigest = nextDigest;
    this.#onStep = onStep;
    this.#chunks = new ChunkEncoder(keys(session.queue).next, MAX_CHUNKS_IN_FLIGHT);
    this.#pipeline = new ChunkPipeline(session, "next");
  }

  /**
   * The items of the source in their order, then those that others pushed in theirs.
   * @returns How many items the source has, and the digest of them.
   */
  async replace(ingredients: Ingredients): Promise<{ offset: number; digest: string }> {
    const { old } = ingredients;
    try {
      const { offset, digest } = await this.#build(ingredients);
      const own = this.#length;
      await this.#append(old, old.external.waiting);
      await this.#swap(old, own);
      return { offset, digest };
    } catch (error) {
      await this.#pipeline.abandon();
      throw error;
    }
  }

  async #build({ source, taken, old, change }: Ingredients): Promise<{ offset: number; digest: string }> {
    const oldPages = old.pages(old.external.ownWaiting);
    let behind = 0;
    // Old items are read as fast as new ones are written: if both have the same order, `change` stays small.
    const catchUp = async () => {
      while (behind > 0) {
        const { value: page } = await oldPages.next();
        if (!page) break;
        for (const item of page) change.subtract(item);
        behind -= page.length;
      }
    };
    // The digest is that of all items, also of those that do not wait.
    const all = new ChunkEncoder("", 0);
    const offset = await forEachItem(source, (block, start, end) => {
      if (!all.add(block, start, end)) {
        all.encode();
        all.add(block, start, end);
      }
      const item = typeof block === "string" ? block : block.subarray(start, end);
      if (taken.match(item)) return undefined;
      change.add(item);
      behind++;
      return this.#add(item)?.then(catchUp);
    });
    behind = Infinity;
    await catchUp();
    return { offset, digest: all.encode().digest };
  }

  /** Puts it in place, with the items that were pushed meanwhile. */
  async #swap(old: WaitingList, own: number): Promise<void> {
    for (let known = old.external.length; ;) {
      await this.#flush();
      await this.#pipeline.flush();
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
    await this.#pipeline.push(this.#chunks.encode(), this.#nextDigest());
    this.#onStep();
  }
}
