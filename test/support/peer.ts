import { randomBytes } from "node:crypto";
import type { Redis } from "ioredis";
import type { Reply } from "../../queue/redis/ackAndReserve.ts";
import { QueueSession } from "../../queue/redis/queueSession.ts";
import { leaseMember, type ReservedItem } from "../../queue/consumer/activeItem.ts";
import { Script } from "../../queue/redis/script.ts";
import { encodeDone, encodeFailed, encodeReleased, type Outcome } from "../../queue/consumer/outcome.ts";

const renewal = new Script("renew");

/** A worker reduced to what it says to Redis: each step is an exchange that the test asks for. */
export class Peer {
  readonly session = randomBytes(6).toString("hex");
  readonly #redis: Redis;
  readonly #queueSession: QueueSession;
  number = 0;

  constructor(redis: Redis, options: { maxFailures?: number; leaseMs?: number; awayMs?: number } = {}) {
    this.#redis = redis;
    const { leaseMs = 10_000, awayMs = 5_000, ...rest } = options;
    const session = this.session;
    this.#queueSession = new QueueSession(redis, {
      queue: "job2",
      session,
      leaseMs,
      awayMs,
      onAway: () => {},
      ...rest,
    });
  }

  /** One exchange. */
  say(outcomes: Outcome[], want = 0, { idle = false, number = ++this.number, hello = "" } = {}): Promise<Reply> {
    return this.#queueSession.ackAndReserve({
      number,
      outcomes,
      reserve: want,
      exclusive: idle,
      heartbeat: hello || undefined,
    });
  }

  /** Takes up to so many. */
  async take(want = 1, idle = true): Promise<ReservedItem[]> {
    return (await this.say([], want, { idle })).reserved;
  }

  member(item: ReservedItem): string {
    return leaseMember(this.session, item);
  }

  done(taken: ReservedItem, value?: unknown): Outcome {
    const line = encodeDone(1, value, { maxResultBytes: 100, keepResults: "all" });
    return { kind: "done", id: taken.id, member: this.member(taken), line };
  }

  failed(taken: ReservedItem, again: number | "dead" = 0): Outcome {
    const kind = again === "dead" ? { kind: "dead" as const } : { kind: "retry" as const, delayMs: again };
    return { ...kind, id: taken.id, member: this.member(taken), line: encodeFailed("f", 1, "no") };
  }

  released(taken: ReservedItem): Outcome {
    return { kind: "released", id: taken.id, member: this.member(taken), line: encodeReleased(1) };
  }

  /** Renews; answers the members that are gone. */
  renew(taken: ReservedItem[], leaseMs = 10_000): Promise<string[]> {
    const members = taken.map((one) => this.member(one));
    return renewal.run(this.#redis, "job2", leaseMs, this.session, "", ...members) as Promise<string[]>;
  }
}
