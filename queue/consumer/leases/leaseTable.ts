import { leaseMember } from "../attempts/activeItem.ts";

/**
 * State of a lease's item: it waits to be started, is in a slot, was begun, or has ended and Redis does not know its
 * outcome yet.
 */
export const LeaseState = { free: 0, prefetched: 1, inFlight: 2, begun: 3, ended: 4 } as const;

/** Numbers a row has: state, the item's id, the call that reserved it. */
const WIDTH = 3;

/** The leases that a worker holds, in rows: an item costs no object. */
export class LeaseTable {
  /** Last time when all leases were known to be good for a whole lease, ms. */
  renewedAt = 0;
  readonly #cells: Float64Array;
  readonly #freeRows: number[] = [];
  readonly #size: number;

  /** @param size Room for so many leases. */
  constructor(size: number) {
    this.#size = size;
    this.#cells = new Float64Array(size * WIDTH);
    for (let row = size - 1; row >= 0; row--) this.#freeRows.push(row);
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
  add({ id, call }: { id: number; call: number }): number {
    const row = this.#freeRows.pop()!;
    const at = row * WIDTH;
    this.#cells[at] = LeaseState.prefetched;
    this.#cells[at + 1] = id;
    this.#cells[at + 2] = call;
    return row;
  }

  setState(row: number, state: number): void {
    this.#cells[row * WIDTH] = state;
  }

  remove(row: number): void {
    this.setState(row, LeaseState.free);
    this.#freeRows.push(row);
  }

  /** Leases to renew, as members of a session. Items that only wait for a slot are given back instead. */
  renewable(session: string): { members: string[]; unbegun: string[] } {
    const [members, unbegun]: [string[], string[]] = [[], []];
    for (let at = 0; at < this.#cells.length; at += WIDTH) {
      const state = this.#cells[at]!;
      if (state < LeaseState.inFlight) continue;
      const member = leaseMember(session, { id: this.#cells[at + 1]!, call: this.#cells[at + 2]! });
      (state === LeaseState.inFlight ? unbegun : members).push(member);
    }
    return { members, unbegun };
  }
}
