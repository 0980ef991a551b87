import { parseRecord } from "../../redis/record.ts";
import { idsUpTo, readRecords } from "../../redis/recordReader.ts";
import { keys } from "../../redis/keys.ts";
import type { ItemRecord } from "../../types.ts";
import type { QueueReader, SeedSession } from "../seedSession.ts";
import type { ExternalItems } from "./externalItems.ts";
import { MultisetDiff } from "./multisetDiff.ts";

/** Items that were taken before, without external ones. While an edit lasts nothing else is taken. */
export class TakenItems {
  readonly #reader: QueueReader;
  readonly #external: ExternalItems;
  readonly #onStep: () => void;
  /** Done or in flight: they stay, whether the source has them or not. */
  readonly settled = new MultisetDiff();
  /** Delayed or dead: they are dropped if the source does not have them. */
  readonly unsettled = new MultisetDiff();

  private constructor(reader: QueueReader, external: ExternalItems, onStep: () => void) {
    this.#reader = reader;
    this.#external = external;
    this.#onStep = onStep;
  }

  static async read(reader: QueueReader, external: ExternalItems, onStep: () => void): Promise<TakenItems> {
    const taken = new TakenItems(reader, external, onStep);
    await taken.#forEachPage((records) => {
      for (const { payload, outcome } of records) {
        const settled = outcome === "running" || outcome === "done";
        (settled ? taken.settled : taken.unsettled).add(payload);
      }
    });
    return taken;
  }

  /** Matches an item of the source with one that was taken. @returns Whether there was one left to match. */
  match(item: string | Buffer): boolean {
    return this.settled.take(item) || this.unsettled.take(item);
  }

  /** Drops unmatched items that are neither done nor in flight, dead copies first. @returns How many. */
  async dropUnmatched(session: SeedSession, nextDigest: () => string): Promise<number> {
    let dropped = 0;
    for (const outcome of ["dead", "delayed"] as const) {
      await this.takeUnmatched(outcome, async (ids) => {
        dropped += await session.drop(nextDigest(), ids);
      });
    }
    return dropped;
  }

  /** Takes unsettled items of one kind that were not matched off the others, page by page. */
  async takeUnmatched(kind: "dead" | "delayed", visit: (ids: number[]) => void | Promise<void>): Promise<void> {
    if (this.unsettled.missing === 0) return;
    await this.#forEachPage(async (records) => {
      const unmatched = records.filter(({ outcome, payload }) => outcome === kind && this.unsettled.take(payload));
      if (unmatched.length > 0) await visit(unmatched.map(({ id }) => id));
    });
  }

  async #forEachPage(visit: (records: ItemRecord[]) => void | Promise<void>): Promise<void> {
    const { redis, queue } = this.#reader;
    const lastId = Number((await this.#reader.call(() => redis.hget(keys(queue).batch, "lastId"))) ?? 0);
    const pages = readRecords(redis, queue, idsUpTo(lastId), { call: (act) => this.#reader.call(act) });
    for await (const page of pages) {
      this.#onStep();
      const own = page.filter(({ id }) => !this.#external.includes(id));
      await visit(own.map(({ id, bytes, isSettled }) => parseRecord(id, bytes, isSettled)));
    }
  }
}
