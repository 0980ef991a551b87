import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import { leaseMember } from "../../queue/consumer/attempts/activeItem.ts";
import {
  encodeDone,
  encodeFailed,
  encodeLater,
  encodeLost,
  encodeReleased,
} from "../../queue/consumer/attempts/outcomeLine.ts";
import type { Reply } from "../../queue/redis/ackAndReserve.ts";
import type { Outcome, ReservedItem } from "../../queue/redis/callContent.ts";
import { type Call, QueueSession, type QueueSessionOptions } from "../../queue/redis/queueSession.ts";
import { type Renewal, renewLeases, renewScript } from "../../queue/redis/renewal.ts";

/** A worker reduced to its calls. It makes only those that a test asks for. */
export class Peer {
  readonly session = randomBytes(6).toString("hex");
  readonly #redis: Redis;
  readonly #options: QueueSessionOptions;
  /** True if it begins at once the items that it reserves. */
  begins = true;
  readonly #queueSession: QueueSession;
  number = 0;

  constructor(redis: Redis, options: Partial<QueueSessionOptions> = {}) {
    this.#redis = redis;
    this.#options = {
      queue: "job2",
      session: this.session,
      leaseMs: 10_000,
      maxLosses: 3,
      maxDowntimeMs: 5_000,
      mayGiveUp: () => true,
      onConnectionChange: () => {},
      ...options,
    };
    this.#queueSession = new QueueSession(redis, this.#options);
  }

  /** One call of ack-and-reserve.lua. */
  async call({ acks = [], reserve = 0, ...rest }: { acks?: Outcome[] } & Partial<Call> = {}): Promise<Reply> {
    const reply = await this.#queueSession.ackAndReserve({ number: ++this.number, outcomes: acks, reserve, ...rest });
    if (this.begins && reply.reserved.length > 0) await this.begin(reply.reserved);
    return reply;
  }

  /** Reserves up to `count` items. By default it says that nothing else is in flight. */
  async reserve(count = 1, { exclusive = true, ...rest }: Partial<Call> = {}): Promise<ReservedItem[]> {
    return (await this.call({ reserve: count, exclusive, ...rest })).reserved;
  }

  /** Begins items. */
  begin(items: ReservedItem[]): Promise<void> {
    return this.#queueSession.noteBegun(items.map((item) => ({ member: this.member(item), deadline: item.deadline })));
  }

  /** Extends leases. */
  async renew(items: ReservedItem[], more: { waited?: number; heartbeat?: string } = {}): Promise<Renewal> {
    const { session, leaseMs: lease, queue } = this.#options;
    await renewScript.load(this.#redis);
    return renewLeases(this.#redis, queue, {
      session,
      lease,
      members: items.map((item) => this.member(item)),
      ...more,
    });
  }

  /** Tells Redis that this worker ends. */
  deregister(row = "{}"): Promise<void> {
    return this.#queueSession.deregister(row);
  }

  member(item: ReservedItem): string {
    return leaseMember(this.session, item);
  }

  done(item: ReservedItem, value?: unknown, log?: string): Outcome {
    const line = encodeDone(1, value, { maxResultBytes: 100, keepResults: "all" });
    return { kind: "done", id: item.id, member: this.member(item), line, log };
  }

  /** A failed attempt. @param next Delay before the next attempt, ms; or `dead` if there is none. */
  failed(
    item: ReservedItem,
    next: number | "dead" = 0,
    { reason = "no", log }: { reason?: string; log?: string } = {},
  ): Outcome {
    const kind = next === "dead" ? { kind: "dead" as const } : { kind: "retry" as const, delayMs: next };
    return { ...kind, id: item.id, member: this.member(item), line: encodeFailed("f", 1, reason), log };
  }

  putOff(item: ReservedItem, delayMs: number): Outcome {
    return { kind: "later", delayMs, id: item.id, member: this.member(item), line: encodeLater(1) };
  }

  released(item: ReservedItem): Outcome {
    return { kind: "released", id: item.id, member: this.member(item), line: encodeReleased(1) };
  }

  lost(item: ReservedItem, reason: string): Outcome {
    return { kind: "lost", id: item.id, member: this.member(item), line: encodeLost(reason) };
  }
}
