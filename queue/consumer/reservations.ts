import { type HeldItem, leaseMember } from "./attempts/activeItem.ts";
import type { AttemptEnd } from "./attempts/attemptEnd.ts";
import { encodeReleased } from "./attempts/outcomeLine.ts";
import { OutcomeQueue, type Settled } from "./attempts/outcomeQueue.ts";
import { MAX_FETCH } from "./fetchScheduler.ts";
import { LeaseState, LeaseTable } from "./leases/leaseTable.ts";
import { MAX_PREFETCH, PrefetchBuffer } from "./prefetch.ts";
import type { Outcome, ReservedItem } from "../redis/callContent.ts";

/** Everything that was reserved for this worker, until Redis has answered for its outcome. */
export class Reservations {
  readonly leases: LeaseTable;
  /** Items in no slot. */
  readonly prefetched: PrefetchBuffer;
  /** Outcomes that Redis was not sent yet. */
  readonly outcomes = new OutcomeQueue();
  /** Tells that {@link outcomes} has more. */
  readonly announce: () => void;
  readonly #session: string;

  constructor(session: string, slots: number, announce: () => void) {
    this.#session = session;
    this.announce = announce;
    // Twice what may be held: a lease keeps its row until Redis has answered for its outcome.
    this.leases = new LeaseTable(2 * (slots + MAX_PREFETCH + MAX_FETCH));
    this.prefetched = new PrefetchBuffer(slots);
  }

  /** Items that a call brought. */
  accept(reserved: ReservedItem[], isSample: boolean): void {
    for (const item of reserved as HeldItem[]) {
      item.row = this.leases.add(item);
      item.member = leaseMember(this.#session, item);
      if (isSample && item.failures + item.losses === 0) item.isSample = true;
    }
    this.prefetched.add(reserved as HeldItem[]);
  }

  /** Takes the first prefetched item for a slot; there is one. */
  take(): HeldItem {
    const held = this.prefetched.shift();
    this.leases.setState(held.row, LeaseState.inFlight);
    return held;
  }

  /** The handler is called on an item. */
  begin({ row }: { row: number }): void {
    this.leases.setState(row, LeaseState.begun);
  }

  /** An attempt is over. The caller announces it. */
  settle(item: Settled, { kind, line, log }: AttemptEnd): void {
    this.leases.setState(item.row, LeaseState.ended);
    this.outcomes.add(item, kind, line, log);
  }

  /** Gives back what is in no slot, which costs those items nothing. */
  returnPrefetched(): void {
    const end = { kind: { kind: "released" }, line: encodeReleased(0) } as const;
    for (const held of this.prefetched.takeAll()) this.settle(held, end);
    this.announce();
  }

  /** Redis has answered for these outcomes. */
  onAcknowledged(outcomes: Outcome[]): void {
    for (const { row } of outcomes) this.leases.remove(row!);
  }
}
