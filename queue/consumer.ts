import { randomBytes } from "node:crypto";
import type { Worker } from "node:worker_threads";
import type { Redis } from "ioredis";
import { Ahead } from "./ahead.ts";
import { backoff } from "./backoff.ts";
import { connect } from "./connect.ts";
import { Exchange, RedisAway, type Reply } from "./exchange.ts";
import { guardExit } from "./exitGuard.ts";
import { Job } from "./job.ts";
import { onDisk } from "./onDisk.ts";
import { startRenewal, type ToRenewal } from "./renewal.ts";
import { Script } from "./script.ts";
import { type Settled, doneLine, failedLine } from "./settled.ts";
import { SickLeave } from "./sick.ts";
import { Slots } from "./slots.ts";
import { firstLine, why } from "./why.ts";
import type { ConsumerApi, ConsumerEnd, ConsumerEvent, ConsumerOptions } from "./types.ts";

/** Says that a worker is gone, as it says that it is there. */
const lastWord = new Script("renew");
/** Somebody else may push, finish or seed at any time: an idle worker looks at least this often, ms. */
const LOOK_MS = 200;
/** A handler that was told to stop at its time limit gets so long to do it, ms. */
const ABORT_GRACE_MS = 5_000;
/** More items than this are not asked for at once: Redis does nothing else meanwhile. */
const MAX_TAKE = 500;
/** A worker of many slots that is always busy says at most so often that it has nothing else in hand, ms. */
const IDLE_MS = 100;
/** Fewer slots than this do not share the exchanges between two lanes. */
const FEW_SLOTS = 8;

/**
 * Runs a handler over the queue until there is nothing left to do, ever (queue/README.md).
 *
 *     const consumer = new Consumer({ url, queue: "job2", handler, concurrency: 1, … });
 *     process.once("SIGTERM", () => consumer.stop(10_000));
 *     const end = await consumer.run();
 */
export class Consumer implements ConsumerApi {
  readonly #options: ConsumerOptions;
  readonly #session = randomBytes(6).toString("base64url").replaceAll("-", "A").replaceAll("_", "B");
  readonly #slots: Slots;
  /** Free slots, by their numbers. */
  readonly #free: number[];
  /** In the order of their start. */
  readonly #inHand = new Set<Job>();
  readonly #ahead: Ahead;
  readonly #sick = new SickLeave();
  readonly #onLine: ((job: Job, line: string) => void) | undefined;
  #settled: Settled[] = [];
  #redis!: Redis;
  #exchange!: Exchange;
  #renewal?: Worker;
  #number = 0;
  /** Exchanges under way: items asked for, by number. */
  readonly #underWay = new Map<number, number>();
  #waitUntil = 0;
  /** An exchange is under way that may bring a suspect, which must stay alone. */
  #mayBeAlone = false;
  #aloneAt = -Infinity;
  /** The last exchange that asked for items got fewer. */
  #dry = false;
  #suspect?: Job;
  #lastFailure = "";
  #pumping = false;
  #timer?: NodeJS.Timeout;
  #end?: ConsumerEnd;
  #over?: { resolve: (end: ConsumerEnd) => void; reject: (error: Error) => void };
  #done = 0;
  #failed = 0;
  #startedAt = 0;
  #helloAt = 0;
  #stopped?: Promise<void>;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#slots = new Slots(options.concurrency);
    this.#ahead = new Ahead(options.concurrency);
    this.#free = Array.from({ length: options.concurrency }, (_, slot) => slot);
    const { onEvent } = options;
    this.#onLine = onEvent && (({ id, bytes }, line) => onEvent({ type: "log", id, payload: bytes, line }));
  }

  /**
   * Takes and runs items until the batch is finished or aborted, this consumer is stopped or sick, or Redis stays away. Until the first two of these
   * the process cannot exit with code 0.
   * @throws Error with one line where Redis refuses.
   */
  async run(): Promise<ConsumerEnd> {
    const { url, queue, onEvent, leaseMs, redisAwayMs: awayMs = 60_000 } = this.#options;
    const allowExit = guardExit();
    const redis = (this.#redis = await connect(url, awayMs));
    const onAway = (reason: string | undefined) =>
      onEvent?.({ type: "redis", up: reason === undefined, ...(reason && { why: reason }) });
    const { maxFailures, retry, itemTimeoutMs } = this.#options;
    const shared = { queue, session: this.#session, leaseMs, ...(maxFailures !== undefined && { maxFailures }) };
    this.#exchange = new Exchange(redis, { ...shared, awayMs, onAway });
    await this.#exchange.load();
    const [[seconds], length] = await Promise.all([redis.time(), redis.llen(queue)]);
    this.#startedAt = Number(seconds) * 1000;
    const beat = setInterval(() => this.#beat(), Math.max(10, Math.min(100, itemTimeoutMs / 4)));
    this.#slots.beat(performance.now());
    const renewal = { ...shared, url, retry, itemTimeoutMs, memory: this.#slots.memory };
    this.#renewal = startRenewal(
      renewal,
      (gone) => this.#lose(gone),
      (error) => this.#giveUp(error),
    );
    onEvent?.({ type: "started", session: this.#session, empty: length === 0 });
    try {
      const over = new Promise<ConsumerEnd>((resolve, reject) => (this.#over = { resolve, reject }));
      this.#schedule();
      const end = await over;
      const sayGoodbye = () => lastWord.run(redis, queue, leaseMs, this.#session, this.#hello());
      if (end === "finished" || end === "aborted") {
        await this.#exchange.until(async () => {
          await sayGoodbye(); // on this connection, so that there is something of it to wait for
          if (!(await onDisk(redis))) throw new Error("its disk does not take the data");
        });
        allowExit();
      } else await sayGoodbye().catch(() => {});
      onEvent?.({ type: "ended", end });
      return end;
    } finally {
      clearInterval(beat);
      clearTimeout(this.#timer);
      this.#renewal.removeAllListeners();
      await this.#renewal.terminate();
      redis.disconnect();
    }
  }

  /**
   * Takes no new item, gives those in hand some time, and releases the rest, which costs them nothing.
   * @param graceMs How long, ms.
   */
  stop(graceMs: number): Promise<void> {
    this.#end ??= "stopped";
    return (this.#stopped ??= this.#leave(graceMs));
  }

  async #leave(graceMs: number): Promise<void> {
    this.#giveBack();
    const end = performance.now() + graceMs;
    while (this.#inHand.size > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const job of this.#inHand) {
      job.abort(new Error("The worker is shut down"));
      this.#settle(job, `r${Math.round(performance.now() - job.startedAt)}\n`, 0);
    }
    this.#schedule();
  }

  /** Exchanges soon: once for all that ends in this turn of the event loop. */
  #schedule(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }

  #pump(): void {
    const { concurrency } = this.#options;
    if (this.#isOver()) return;
    // Two exchanges under way, where there is enough to share: Redis works on one while this process works on the other.
    const room = this.#ahead.room;
    const lanes = concurrency + room < FEW_SLOTS ? 1 : 2;
    if (this.#underWay.size >= lanes) return;
    let asked = 0;
    for (const count of this.#underWay.values()) asked += count;
    const now = performance.now();
    const waiting = this.#settled.length === 0 && now < this.#waitUntil;
    let want = this.#free.length + room - this.#ahead.size - asked;
    if (this.#end || waiting || this.#mayBeAlone || (this.#suspect && !this.#suspect.over)) want = 0;
    else want = Math.min(want, Math.ceil((concurrency + room) / lanes), MAX_TAKE);
    if (waiting && !this.#end) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#schedule(), this.#waitUntil - now);
    }
    if (want <= 0 && this.#settled.length === 0) return;
    // Nothing else may be asked for until the answer is here, so this is not said at every chance.
    const idle =
      want > 0 &&
      asked + this.#inHand.size + this.#ahead.size === 0 &&
      (lanes === 1 || now - this.#aloneAt > IDLE_MS || this.#dry);
    if (idle) this.#aloneAt = now;
    void this.#trade(want, idle);
    if (this.#sick.isDue) void this.#ask();
  }

  /** One exchange, and what follows from its answer. */
  async #trade(want: number, idle: boolean): Promise<void> {
    const settled = this.#settled.splice(0, MAX_TAKE);
    // Two lanes, one even and one odd: each may be answered after the other, none overtakes itself.
    const number = this.#nextNumber();
    this.#underWay.set(number, want);
    if (idle) this.#mayBeAlone = true;
    const asked = performance.now();
    try {
      const reply = await this.#exchange.send(number, want, idle, settled, this.#hello());
      this.#underWay.delete(number);
      if (idle) this.#mayBeAlone = false;
      this.#heed(reply, want, settled, asked);
    } catch (error) {
      this.#underWay.delete(number);
      this.#giveUp(error as Error);
    }
  }

  #nextNumber(): number {
    const [busy] = this.#underWay.keys();
    this.#number += busy !== undefined && (this.#number + 1) % 2 === busy % 2 ? 2 : 1;
    return this.#number;
  }

  #heed({ kind, wait, stale, taken }: Reply, want: number, settled: Settled[], asked: number): void {
    const { onEvent } = this.#options;
    if (onEvent) {
      for (const member of stale) {
        const id = settled.find((one) => one.member === member)?.id ?? 0;
        onEvent({ type: "stale", id });
      }
    }
    if (kind === "finished" || kind === "aborted") this.#end ??= kind;
    if (want > 0) {
      this.#dry = taken.length < want;
      this.#waitUntil = taken.length > 0 ? 0 : performance.now() + Math.min(Math.max(wait, 5), LOOK_MS);
    }
    if (wait > 0 && this.#inHand.size === 0 && taken.length === 0) onEvent?.({ type: "waiting", forMs: wait });
    this.#ahead.put(taken);
    // An answer that lay unread behind a handler that blocked: others may have these items by now.
    const late = taken.length > 0 && performance.now() - asked > 0.8 * this.#options.leaseMs;
    if (this.#end || late) this.#giveBack();
    const jobs: Job[] = [];
    while (this.#ahead.size > 0 && this.#free.length > 0) jobs.push(this.#begin());
    // First the free slots are asked for, then the work is done: so the two lanes take turns, and Redis is busy meanwhile. Sent together, they
    // would be answered together, ever after.
    this.#pump();
    for (const job of jobs) this.#work(job);
  }

  /** The first of those that were taken is in hand from now on. */
  #begin(): Job {
    const taken = this.#ahead.next();
    const job = new Job(taken, this.#session, this.#free.pop()!, this.#slots, this.#onLine);
    this.#inHand.add(job);
    if (taken.losses > 0) this.#suspect = job;
    return job;
  }

  /** What was taken and not begun goes back, which costs it nothing. */
  #giveBack(): void {
    for (const { id, exchange } of this.#ahead.clear()) {
      this.#settled.push({ id, member: `${id}:${this.#session}.${exchange}`, line: "r0\n", again: 0 });
    }
    this.#schedule();
  }

  /** Runs the handler on one item. One that answers at once costs no promise. */
  #work(job: Job): void {
    const { handler, onEvent } = this.#options;
    onEvent?.({ type: "working", id: job.id, payload: job.bytes, attempt: job.attempt });
    try {
      const value = handler(job.bytes.toString(), job);
      if (value instanceof Promise || typeof (value as PromiseLike<unknown> | undefined)?.then === "function") {
        (value as Promise<unknown>).then(
          (result) => this.#succeed(job, result),
          (error: unknown) => this.#fail(job, error),
        );
      } else this.#succeed(job, value);
    } catch (error) {
      this.#fail(job, error);
    }
  }

  #succeed(job: Job, value: unknown): void {
    if (job.over) return;
    if (job.timedOut) return this.#fail(job, undefined);
    const ms = performance.now() - job.startedAt;
    let line: string;
    try {
      line = doneLine(ms, value, this.#options);
    } catch (error) {
      return this.#fail(job, error); // a result that has no JSON, like a BigInt
    }
    this.#done++;
    this.#sick.succeeded();
    this.#settle(job, line, undefined, this.#options.keepLogs === "all" ? job.logTail : "");
    this.#options.onEvent?.({ type: "done", id: job.id, payload: job.bytes, ms });
  }

  #fail(job: Job, error: unknown): void {
    if (job.over) return;
    const { retry, itemTimeoutMs, onEvent } = this.#options;
    const ms = performance.now() - job.startedAt;
    const reason = job.timedOut ? `timed out after ${itemTimeoutMs / 1000} s` : why(error);
    const failures = job.failures + 1;
    // By its name, not its class: a bundle may have two copies of it.
    const final =
      failures >= retry.maxAttempts || (!job.timedOut && (error as Error | undefined)?.name === "DoNotRetry");
    const again = final ? ("dead" as const) : backoff(failures, retry.backoff);
    this.#failed++;
    this.#settle(job, failedLine(job.timedOut ? "t" : "f", ms, reason), again, job.logTail);
    onEvent?.({
      ...{ type: "failed", id: job.id, payload: job.bytes, attempt: job.attempt, why: reason },
      ...(again !== "dead" && { retryInMs: again }),
    } as ConsumerEvent);
    this.#sick.failed(job.id);
    this.#lastFailure = reason;
  }

  /** Only failures, one after the other: is it this worker, or the handler? */
  async #ask(): Promise<void> {
    const { queue, onEvent } = this.#options;
    const sick = await this.#sick.ask(this.#redis, queue, firstLine(this.#lastFailure)).catch(() => undefined);
    if (sick === undefined || this.#end) return;
    onEvent?.({ type: "sick", why: sick });
    this.#end = "sick";
    await this.#leave(0);
  }

  #settle(job: Job, line: string, again?: number | "dead", log?: string): void {
    if (job.over) return;
    job.over = true;
    this.#inHand.delete(job);
    this.#slots.free(job.slot);
    this.#free.push(job.slot);
    this.#settled.push({ id: job.id, member: job.member, line, again, log });
    const now = performance.now();
    this.#ahead.learn(now - job.startedAt);
    if (this.#ahead.isOld(now)) this.#giveBack();
    else if (this.#ahead.size > 0) this.#work(this.#begin());
    this.#schedule();
  }

  /** Leases that are gone: somebody else may have the item by now, so what comes of it here does not count. */
  #lose(members: string[]): void {
    const gone = new Set(members);
    // Settled like any other, it is found stale and changes nothing; until then its slot stays taken.
    for (const job of this.#inHand) if (gone.has(job.member)) job.abort(new Error("The lease of this item was lost"));
  }

  /** The event loop turns; items past their time are told to stop, and given up when they do not. */
  #beat(): void {
    const { itemTimeoutMs } = this.#options;
    const now = performance.now();
    this.#slots.beat(now);
    if (this.#ahead.isOld(now)) this.#giveBack();
    for (const job of this.#inHand) {
      const over = now - job.startedAt - itemTimeoutMs;
      if (over < 0) break;
      if (!job.timedOut) {
        job.timedOut = true;
        job.abort(new Error(`The time limit of ${itemTimeoutMs / 1000} s is over`));
      } else if (over > Math.min(ABORT_GRACE_MS, itemTimeoutMs)) this.#fail(job, undefined);
    }
    if (this.#renewal && performance.now() - this.#helloAt > 1_000) this.#hello();
  }

  /** What this worker says of itself, at most once a second; and always to the thread that renews. */
  #hello(): string {
    const now = performance.now();
    if (this.#helloAt > 0 && now - this.#helloAt < 1_000 && !this.#end) return "";
    this.#helloAt = now;
    const { pod, node, concurrency: slots } = this.#options;
    const ended = this.#end !== undefined;
    const row = { pod, node, slots, startedAt: this.#startedAt, done: this.#done, failed: this.#failed, ended };
    const hello = JSON.stringify(row);
    this.#renewal?.postMessage({ hello } satisfies ToRenewal);
    return hello;
  }

  #giveUp(error: Error): void {
    for (const job of this.#inHand) job.abort(error);
    if (error instanceof RedisAway) {
      this.#options.onEvent?.({ type: "redis", up: false, why: error.message });
      this.#end = "redis-away";
      this.#over?.resolve("redis-away");
    } else this.#over?.reject(error);
  }

  /** Ends the run when all that was in hand is settled, and known to be. */
  #isOver(): boolean {
    if (!this.#end) return false;
    const busy = this.#inHand.size + this.#ahead.size + this.#settled.length + this.#underWay.size > 0;
    if (!busy) this.#over?.resolve(this.#end);
    return !busy;
  }
}
