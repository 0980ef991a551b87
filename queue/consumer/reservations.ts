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
  /** Outcomes that were not sent to Redis yet. */
  readonly outcomes = new OutcomeQueue();
  /** Called when {@link outcomes} gets more. */
  readonly announce: () => void;
  readonly #session: string;

  constructor(session: string, slots: number, announce: () => void) {
    this.#session = session;
    this.announce = announce;
    // Twice what may be held: a lease keeps its row until Redis has answered for its outcome.
    this.leases = new LeaseTable(2 * (slots + MAX_PREFETCH + MAX_FETCH));
    this.prefetched = new PrefetchBuffer(slots);
  }

  /** Adds items that a call brought. */
  accept(reserved: ReservedItem[], isSample: boolean): void {
    for (const item of reserved as HeldItem[]) {
      item.row = this.leases.add(item);
      item.member = leaseMember(this.#session, item);
      if (isSample && item.failures + item.losses === 0) item.isSample = true;
    }
    this.prefetched.add(reserved as HeldItem[]);
  }

  /** Takes the first prefetched item for a slot. There must be one. */
  take(): HeldItem {
    const held = this.prefetched.shift();
    this.leases.setState(held.row, LeaseState.inFlight);
    return held;
  }

  /** Notes that the handler is called on an item. */
  begin({ row }: { row: number }): void {
    this.leases.setState(row, LeaseState.begun);
  }

  /** Notes the end of an attempt. The caller announces it. */
  settle(item: Settled, { kind, line, log }: AttemptEnd): void {
    this.leases.setState(item.row, LeaseState.ended);
    this.outcomes.add(item, kind, line, log);
  }

  /** Gives back items that are in no slot. This does not count as an attempt. */
  returnPrefetched(): void {
    const end = { kind: { kind: "released" }, line: encodeReleased(0) } as const;
    for (const held of this.prefetched.takeAll()) this.settle(held, end);
    this.announce();
  }

  /** Notes that Redis has answered for these outcomes. */
  onAcknowledged(outcomes: Outcome[]): void {
    for (const { row } of outcomes) this.leases.remove(row!);
  }
}
