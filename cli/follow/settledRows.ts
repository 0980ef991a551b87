import { type Counts, type ItemRecord, isSettled, type QueueAdmin } from "../../queue/index.ts";

/** Finds, look by look, the items that settled since: each once, and once more where it was put back meanwhile. */
export class SettledRows {
  /** Attempts of rows that were told before this began, by id; removed when they are met. */
  readonly #told: Map<number, number>;
  /** Given, and not settled at the last look. */
  readonly #open = new Set<number>();
  /** Attempts of the dead: these may be put back. */
  readonly #dead = new Map<number, number>();
  #last = 0;

  constructor(told = new Map<number, number>()) {
    this.#told = told;
  }

  /** @param counts Read before this look. */
  async *look(admin: QueueAdmin, { dead, state }: Counts): AsyncIterable<ItemRecord> {
    const isOver = state === "finished" || state === "aborted";
    if (dead < this.#dead.size || isOver) for (const id of this.#dead.keys()) this.#open.add(id);
    const known = [...this.#open].sort((a, b) => a - b);
    for await (const record of admin.records(known)) if (this.#isNew(record)) yield record;
    for await (const record of admin.results(this.#last)) {
      this.#last = record.id;
      if (this.#isNew(record)) yield record;
    }
  }

  /** True if it settled, and was not told as it is now. */
  #isNew(record: ItemRecord): boolean {
    const { id, outcome, attempts } = record;
    if (!isSettled(record)) {
      this.#open.add(id);
      return false;
    }
    this.#open.delete(id);
    const told = this.#dead.get(id) ?? this.#told.get(id);
    this.#told.delete(id);
    if (outcome === "dead") this.#dead.set(id, attempts.length);
    else this.#dead.delete(id);
    return told !== attempts.length;
  }
}
