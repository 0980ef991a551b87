import { parseRecord } from "../../admin/record.ts";
import { readRecords } from "../../admin/recordReader.ts";
import { keys } from "../../redis/keys.ts";
import type { ItemRecord } from "../../types.ts";
import type { SeedSession } from "../seedSession.ts";
import type { ExternalItems } from "./externalItems.ts";
import { MultisetDiff } from "./multisetDiff.ts";

/** Items that were taken before, without external ones. While an edit lasts nothing else is taken. */
export class TakenItems {
  readonly #session: SeedSession;
  readonly #external: ExternalItems;
  readonly #onStep: () => void;
  /** Done or in hand: there for good, whether the source has them or not. */
  readonly settled = new MultisetDiff();
  /** Waiting for another try, or dead: dropped where the source does not have them. */
  readonly unsettled = new MultisetDiff();

  private constructor(session: SeedSession, external: ExternalItems, onStep: () => void) {
    this.#session = session;
    this.#external = external;
    this.#onStep = onStep;
  }

  static async read(session: SeedSession, external: ExternalItems, onStep: () => void): Promise<TakenItems> {
    const taken = new TakenItems(session, external, onStep);
    await taken.#forEachPage((records) => {
      for (const { payload, outcome } of records) {
        const settled = outcome === "running" || outcome === "done";
        (settled ? taken.settled : taken.unsettled).add(payload);
      }
    });
    return taken;
  }

  /** Takes an item of the source off those that were taken. Returns whether it was one of them. */
  match(item: string | Buffer): boolean {
    return this.settled.take(item) || this.unsettled.take(item);
  }

  /** Drops unsettled items that were not matched, dead copies first. Returns how many. */
  async dropUnmatched(nextDigest: () => string): Promise<number> {
    let dropped = 0;
    for (const droppable of ["dead", "delayed"]) {
      if (this.unsettled.missing === 0) break;
      await this.#forEachPage(async (records) => {
        const ids = records
          .filter(({ outcome, payload }) => outcome === droppable && this.unsettled.take(payload))
          .map(({ id }) => id);
        if (ids.length > 0) dropped += await this.#session.drop(nextDigest(), ids);
      });
    }
    return dropped;
  }

  async #forEachPage(visit: (records: ItemRecord[]) => void | Promise<void>): Promise<void> {
    const session = this.#session;
    const { redis, queue } = session;
    const lastId = Number((await session.call(() => redis.hget(keys(queue).batch, "lastId"))) ?? 0);
    const pages = readRecords(redis, queue, idsUpTo(lastId), { call: (act) => session.call(act) });
    for await (const page of pages) {
      this.#onStep();
      const own = page.filter(({ id }) => !this.#external.includes(id));
      await visit(own.map(({ id, bytes, isSettled }) => parseRecord(id, bytes, isSettled)));
    }
  }
}

function* idsUpTo(last: number): Iterable<number> {
  for (let id = 1; id <= last; id++) yield id;
}
