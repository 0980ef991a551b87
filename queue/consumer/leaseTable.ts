// The items in hand, in memory that the renewal thread sees too: it must know of an item before its handler can block the event loop.

/** Numbers a slot has: the item's id (0: free), the call that took it, when it started (ms by the event loop's clock), attempts that failed before. */
const WIDTH = 4;

/** One item in hand as the thread sees it. */
export interface HeldLease {
  id: number;
  call: number;
  startedAt: number;
  failures: number;
}

/** A table of items in hand, one row a slot, and a beat that shows that the event loop turns. */
export class LeaseTable {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Float64Array;
  readonly #size: number;

  /** @param memory That of another thread's table, or the number of slots for a new one. */
  constructor(memory: SharedArrayBuffer | number) {
    this.memory = typeof memory === "number" ? new SharedArrayBuffer((memory * WIDTH + 2) * 8) : memory;
    this.#cells = new Float64Array(this.memory);
    this.#size = (this.#cells.length - 2) / WIDTH;
    if (typeof memory === "number") this.#cells[1] = machineClock() - performance.now();
  }

  take(slot: number, { id, call, failures }: Omit<HeldLease, "startedAt">, startedAt: number): void {
    const at = 2 + slot * WIDTH;
    this.#cells[at + 1] = call;
    this.#cells[at + 2] = startedAt;
    this.#cells[at + 3] = failures;
    this.#cells[at] = id; // last: a row with an id is whole
  }

  free(slot: number): void {
    this.#cells[2 + slot * WIDTH] = 0;
  }

  /** The event loop turned, at this moment. */
  tick(now: number): void {
    this.#cells[0] = now;
  }

  /** The event loop's clock, for any thread: `performance.now()` starts anew in each, and the time of day jumps. */
  get now(): number {
    return machineClock() - this.#cells[1]!;
  }

  get lastTick(): number {
    return this.#cells[0]!;
  }

  all(): HeldLease[] {
    const rows: HeldLease[] = [];
    for (let at = 2; at < 2 + this.#size * WIDTH; at += WIDTH) {
      const [id, call, startedAt, failures] = this.#cells.subarray(at, at + WIDTH) as unknown as number[];
      if (id) rows.push({ id, call: call!, startedAt: startedAt!, failures: failures! });
    }
    return rows;
  }
}

/** Ms since some moment, the same for all threads. */
function machineClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
