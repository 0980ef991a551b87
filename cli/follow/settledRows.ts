import { type Counts, isOver, type ItemRecord, isSettled, type QueueAdmin, resultRow } from "../../queue/index.ts";
import { versionOf } from "./earlierRows.ts";

/** Finds, look by look, newly settled items: each once, and again if it was put back meanwhile. */
export class SettledRows {
  /** Versions of rows that were told before this began, by id; removed when they are met. */
  readonly #told: Map<number, string>;
  /** Ids of items that were not settled at the last look. */
  readonly #open = new Set<number>();
  /** Versions of the dead: these may be put back. */
  readonly #dead = new Map<number, string>();
  #last = 0;
  #startedAt = 0;

  constructor(told = new Map<number, string>()) {
    this.#told = told;
  }

  /** @param counts Read before this look. */
  async *look(admin: QueueAdmin, counts: Counts): AsyncIterable<ItemRecord> {
    const { dead, startedAt } = counts;
    if (await this.#isAnew(admin, startedAt)) {
      this.#open.clear();
      this.#dead.clear();
      this.#last = 0;
    }
    this.#startedAt = startedAt;
    if (dead < this.#dead.size || isOver(counts)) for (const id of this.#dead.keys()) this.#open.add(id);
    const known = [...this.#open].sort((a, b) => a - b);
    for await (const record of admin.records(known)) if (this.#isNew(record)) yield record;
    for await (const record of admin.results(this.#last)) {
      this.#last = record.id;
      if (this.#isNew(record)) yield record;
    }
  }

  /** True if everything runs again since the last look: the item with the highest id is gone, or has begun anew. */
  async #isAnew(admin: QueueAdmin, startedAt: number): Promise<boolean> {
    if (this.#last === 0) return false;
    for await (const { attempts } of admin.records([this.#last]))
      return startedAt !== this.#startedAt && (attempts[0]?.start ?? startedAt) >= startedAt;
    return true;
  }

  /** True if it is settled, and this version of it was not told yet. */
  #isNew(record: ItemRecord): boolean {
    const { id, outcome } = record;
    if (!isSettled(record)) {
      this.#open.add(id);
      return false;
    }
    this.#open.delete(id);
    const told = this.#dead.get(id) ?? this.#told.get(id);
    this.#told.delete(id);
    const version = versionOf(resultRow(record));
    if (outcome === "dead") this.#dead.set(id, version);
    else this.#dead.delete(id);
    return told !== version;
  }
}
