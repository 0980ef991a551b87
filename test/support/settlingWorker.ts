import assert from "node:assert/strict";
import type { Redis } from "ioredis";
import { Slowdown } from "../../queue/consumer/slowdown.ts";
import { encodeRequest, parseReply, type RawReply } from "../../queue/redis/ackAndReserve.ts";
import type { Outcome } from "../../queue/redis/callContent.ts";
import { renewLeases } from "../../queue/redis/renewal.ts";
import type { Script } from "../../queue/redis/script.ts";
import { BACKOFF, LEASE } from "./queueModel.ts";

/** Attempts after which a failing item is dead. */
export const MAX_ATTEMPTS = 3;
/** A step of the test's clock, ms, and the most steps that an attempt takes. */
export const STEP = 10_000;
export const MAX_STEPS = 3;

/** Longest time from the last fault to the end of a batch, ms (docs/queue/failures.md). */
export function bound(items: number): number {
  const alone = items * MAX_ATTEMPTS * MAX_STEPS * STEP;
  return 1.5 * LEASE + MAX_ATTEMPTS * (BACKOFF + 3 * LEASE + 30_000 + MAX_STEPS * STEP) + alone;
}

/** The way a worker ends an attempt at an item: how, and after how many steps. */
export type Habit = (payload: string) => { isGood: boolean; steps: number };

/** Settings of a worker. `slots`: items that it works on at a time; `mayAbort`: it may end the batch. */
export interface Manner {
  slots: number;
  mayAbort: boolean;
  maxLosses: number;
}

/** An item in flight. */
interface Held extends ReturnType<Habit> {
  id: number;
  member: string;
  failures: number;
  startedAt: number;
  isSample: boolean;
}

/** A worker without faults, by a clock that only the test moves. It slows down as a real one does. */
export class SettlingWorker {
  isOver = false;
  readonly #redis: Redis;
  readonly #script: Script;
  readonly #pod: string;
  readonly #habit: Habit;
  readonly #manner: Manner;
  #session: string;
  #number = 0;
  #slowdown = new Slowdown();
  #outcomes: Outcome[] = [];
  #held: Held[] = [];

  constructor(redis: Redis, script: Script, pod: string, habit: Habit, manner: Manner) {
    this.#redis = redis;
    this.#script = script;
    this.#pod = this.#session = pod;
    this.#habit = habit;
    this.#manner = manner;
  }

  /** Renews what it holds, with a heartbeat, as it does all the time. */
  async renew(): Promise<void> {
    const members = this.#held.map(({ member }) => member);
    const heartbeat = JSON.stringify({ pod: this.#pod });
    const { gone } = await renewLeases(this.#redis, "job2", {
      session: this.#session,
      lease: LEASE,
      members,
      heartbeat,
    });
    assert.deepEqual(gone, [], "a worker that renews loses no lease");
  }

  /** A step of time is over. Ends the attempts that are due, and calls until no more items come. */
  async step(now: number): Promise<void> {
    for (const item of this.#held) if (--item.steps <= 0) this.#end(item, now);
    this.#held = this.#held.filter(({ steps }) => steps > 0);
    while (!this.isOver && (await this.#call(now)));
  }

  #end({ id, member, failures, startedAt, isSample, isGood }: Held, now: number): void {
    if (isGood) {
      this.#slowdown.onSuccess();
      this.#outcomes.push({ kind: "done", id, member, line: "d5\n" });
      return;
    }
    this.#slowdown.onFailure(id, "no", startedAt, isSample, now);
    const line = 'f5 "no"\n';
    if (failures + 1 >= MAX_ATTEMPTS) this.#outcomes.push({ kind: "dead", id, member, line });
    else this.#outcomes.push({ kind: "retry", delayMs: BACKOFF, id, member, line });
  }

  /** @returns Whether there may be more. */
  async #call(now: number): Promise<boolean> {
    const { limit, waitMs } = this.#slowdown.pace(now);
    const { slots, mayAbort, maxLosses } = this.#manner;
    const free = Math.min(slots, limit) - this.#held.length;
    const reserve = waitMs > 0 ? 0 : Math.max(0, free);
    const request = {
      session: this.#session,
      pod: this.#pod,
      number: ++this.#number,
      outcomes: this.#outcomes,
      reserve,
      exclusive: reserve > 0 && this.#held.length === 0,
      ...this.#slowdown.report(now),
      sample: limit === 1,
      mayAbort,
      lease: LEASE,
      maxLosses,
    };
    this.#outcomes = [];
    const raw = (await this.#script.sendRequest(this.#redis, "job2", encodeRequest(request))) as RawReply;
    const { kind, stale, reserved, judgement, progress } = parseReply(raw, this.#number);
    assert.deepEqual(stale, [], "a worker that renews loses no lease");
    this.isOver = kind === "finished" || kind === "aborted";
    for (const { id, payload, failures, losses } of reserved) {
      const member = `${id}:${this.#session}.${this.#number}`;
      const isSample = request.sample && failures + losses === 0;
      this.#held.push({ id, member, failures, startedAt: now, isSample, ...this.#habit(String(payload)) });
    }
    if (judgement && this.#slowdown.onJudgement(judgement, progress) !== undefined) await this.#restart();
    return reserved.length > 0;
  }

  /** It is sick: gives back what it holds, and its pod starts another one. */
  async #restart(): Promise<void> {
    const outcomes = this.#held.map(({ id, member }): Outcome => ({ kind: "released", id, member, line: "r5\n" }));
    const request = { session: this.#session, number: ++this.#number, outcomes, reserve: 0 };
    await this.#script.sendRequest(
      this.#redis,
      "job2",
      encodeRequest({ ...request, lease: LEASE, maxLosses: this.#manner.maxLosses }),
    );
    this.#held = [];
    this.#session += "'";
    this.#slowdown = new Slowdown();
  }
}
