import type { QueueSession } from "../../redis/queueSession.ts";
import type { Heartbeat } from "../heartbeat.ts";
import type { LeaseTable } from "./leaseTable.ts";

/**
 * A worker renews its leases after this share of a lease, and at least this often, ms: a renewal also tells of
 * cancelled items.
 */
const RENEW_SHARE = 0.2;
const MAX_INTERVAL_MS = 2_000;

/** Renews what a worker holds on the worker's own connection, while its event loop turns. */
export class LeaseRenewer {
  readonly #leases: LeaseTable;
  readonly #session: string;
  readonly #intervalMs: number;
  readonly #heartbeat: Heartbeat;
  readonly #onRenewed: (gone: string[], state: string) => void;
  #isUnderWay = false;

  /** @param onRenewed Told which leases are gone, and in what state the batch is. */
  constructor(
    leases: LeaseTable,
    session: string,
    leaseMs: number,
    heartbeat: Heartbeat,
    onRenewed: (gone: string[], state: string) => void,
  ) {
    this.#leases = leases;
    this.#session = session;
    this.#intervalMs = Math.min(leaseMs * RENEW_SHARE, MAX_INTERVAL_MS);
    this.#heartbeat = heartbeat;
    this.#onRenewed = onRenewed;
  }

  /** Called while the event loop turns. */
  async tick(queueSession: QueueSession, now: number): Promise<void> {
    const leases = this.#leases;
    if (leases.isEmpty) leases.renewedAt = now;
    const isDue = now - leases.renewedAt >= this.#intervalMs;
    // An idle worker's heartbeats go with its calls for items.
    if (this.#isUnderWay || !(isDue || this.#heartbeat.isOverdue(now))) return;
    this.#isUnderWay = true;
    const members = leases.renewable(this.#session);
    const heartbeat = this.#heartbeat.next(now);
    try {
      const { gone, state, heartbeatMs } = await queueSession.renew(members, heartbeat);
      leases.renewedAt = Math.max(leases.renewedAt, now);
      this.#heartbeat.onReply(heartbeat, heartbeatMs, now);
      this.#onRenewed(gone, state);
    } catch {
      // The next one is soon enough; whether Redis is away is told by the calls for items.
    } finally {
      this.#isUnderWay = false;
    }
  }
}
