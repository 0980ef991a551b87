// The leases a worker holds, in memory that the lease keeper's thread sees too: it must know of an item before its
// handler can block the event loop.
import { leaseMember } from "../activeItem.ts";

/**
 * State of a lease's item: it waits to be started, is in a slot, or has ended and Redis does not know its outcome yet.
 */
export const LeaseState = { free: 0, prefetched: 1, inFlight: 2, ended: 3 } as const;

/**
 * Numbers a row has: state, the item's id, the call that reserved it, when it started (0: not yet), failures before.
 */
const WIDTH = 5;
/**
 * Numbers before the rows: when the event loop last turned, its clock, when leases were last renewed, whether the
 * thread is in trouble.
 */
const HEAD = 4;

/** A lease as the thread sees it. Times are ms by the event loop's clock. */
export interface HeldLease {
  row: number;
  state: number;
  id: number;
  call: number;
  startedAt: number;
  failures: number;
}

/** A table of leases, and signs of life of the event loop. */
export class LeaseTable {
  readonly memory: SharedArrayBuffer;
  readonly #cells: Float64Array;
  readonly #freeRows: number[] = [];
  readonly #size: number;

  /** @param memory That of another thread's table, or how many leases a new one has room for. */
  constructor(memory: SharedArrayBuffer | number) {
    const isNew = typeof memory === "number";
    this.memory = isNew ? new SharedArrayBuffer((memory * WIDTH + HEAD) * 8) : memory;
    this.#cells = new Float64Array(this.memory);
    this.#size = (this.#cells.length - HEAD) / WIDTH;
    if (!isNew) return;
    this.#cells[1] = machineClock() - performance.now();
    for (let row = memory - 1; row >= 0; row--) this.#freeRows.push(row);
  }

  /** Room for so many more leases. */
  get free(): number {
    return this.#freeRows.length;
  }

  /** True when there is none. */
  get isEmpty(): boolean {
    return this.#freeRows.length === this.#size;
  }

  /** A new lease. @returns Its row. */
  add({ id, call, failures }: { id: number; call: number; failures: number }): number {
    const row = this.#freeRows.pop()!;
    const at = HEAD + row * WIDTH;
    this.#cells[at + 1] = id;
    this.#cells[at + 2] = call;
    this.#cells[at + 3] = 0;
    this.#cells[at + 4] = failures;
    this.#cells[at] = LeaseState.prefetched; // last: a row with a state is whole
    return row;
  }

  setState(row: number, state: number): void {
    this.#cells[HEAD + row * WIDTH] = state;
  }

  start(row: number, startedAt: number): void {
    this.#cells[HEAD + row * WIDTH + 3] = startedAt;
  }

  remove(row: number): void {
    this.#cells[HEAD + row * WIDTH] = LeaseState.free;
    this.#freeRows.push(row);
  }

  /** The event loop turned, at this moment. */
  tick(now: number): void {
    this.#cells[0] = now;
  }

  get lastTick(): number {
    return this.#cells[0]!;
  }

  /** The event loop's clock, for any thread: `performance.now()` starts anew in each, and the time of day jumps. */
  get now(): number {
    return machineClock() - this.#cells[1]!;
  }

  /** When all leases were known to be good for a whole lease. */
  get renewedAt(): number {
    return this.#cells[2]!;
  }

  set renewedAt(at: number) {
    this.#cells[2] = at;
  }

  /** The thread has to keep leases and cannot. Seen here before any message of it. */
  get isKeeperInTrouble(): boolean {
    return this.#cells[3] === 1;
  }

  set isKeeperInTrouble(inTrouble: boolean) {
    this.#cells[3] = inTrouble ? 1 : 0;
  }

  /** Those to be renewed, as members of a session: what only waits to be put into a slot is given back instead. */
  renewable(session: string): { members: string[]; unbegun: string[] } {
    const inSlots = this.list().filter(({ state }) => state >= LeaseState.inFlight);
    const membersOf = (isBegun: boolean) =>
      inSlots.filter(({ startedAt }) => startedAt > 0 === isBegun).map((lease) => leaseMember(session, lease));
    return { members: membersOf(true), unbegun: membersOf(false) };
  }

  /** All leases. */
  list(): HeldLease[] {
    const leases: HeldLease[] = [];
    for (let row = 0; row < this.#size; row++) {
      const at = HEAD + row * WIDTH;
      const state = this.#cells[at]!;
      if (state === LeaseState.free) continue;
      leases.push({
        row,
        state,
        id: this.#cells[at + 1]!,
        call: this.#cells[at + 2]!,
        startedAt: this.#cells[at + 3]!,
        failures: this.#cells[at + 4]!,
      });
    }
    return leases;
  }
}

/** Ms since some moment, the same for all threads. */
function machineClock(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
