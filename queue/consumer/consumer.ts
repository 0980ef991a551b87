import { randomBytes } from "node:crypto";
import type { Worker } from "node:worker_threads";
import type { Redis } from "ioredis";
import { connect } from "../redis/connect.ts";
import { Exchange, RedisAway, type Reply } from "../redis/queueSession.ts";
import { guardExit } from "./exitGuard.ts";
import { Hands } from "./processor.ts";
import { type Ask, Lanes } from "./fetchScheduler.ts";
import { DISK_MS, onDisk } from "../redis/waitAof.ts";
import { startRenewal, type ToRenewal } from "./leaseKeeper.ts";
import { Script } from "../redis/script.ts";
import type { Settled } from "./outcome.ts";
import type { ConsumerApi, ConsumerEnd, ConsumerOptions } from "../types.ts";

/** Says that a worker is gone, as it says that it is there. */
const lastWord = new Script("renew");
/** More ends than this are not recorded at once: Redis does nothing else meanwhile. */
const MAX_SETTLED = 500;

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
  readonly #hands: Hands;
  readonly #lanes: Lanes;
  #redis!: Redis;
  #exchange!: Exchange;
  #renewal?: Worker;
  #pumping = false;
  #timer?: NodeJS.Timeout;
  #end?: ConsumerEnd;
  #over?: { resolve: (end: ConsumerEnd) => void; reject: (error: Error) => void };
  #startedAt = 0;
  #helloAt = 0;
  #stopped?: Promise<void>;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#hands = new Hands(options, this.#session, () => this.#schedule());
    this.#lanes = new Lanes(options.concurrency);
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
    this.#hands.beat();
    const renewal = { ...shared, url, retry, itemTimeoutMs, memory: this.#hands.slots.memory };
    this.#renewal = startRenewal(
      renewal,
      (gone) => this.#hands.lose(gone),
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
        }, DISK_MS + 10_000);
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
    this.#hands.giveBack();
    const end = performance.now() + graceMs;
    while (this.#hands.size > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#hands.release();
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
    if (this.#isOver()) return;
    const { free, size: inHand, hasSuspect, ahead, sick, settled } = this.#hands;
    const full = this.#end !== undefined || hasSuspect;
    const standing = { free, inHand, ahead: ahead.size, room: ahead.room, settled: settled.length, full };
    const ask = this.#lanes.next(standing, performance.now());
    if (!ask) return;
    if ("rest" in ask) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#schedule(), ask.rest);
    } else {
      void this.#trade(ask);
      if (sick.isDue) void this.#askIfSick();
    }
  }

  /** One exchange, and what follows from its answer. */
  async #trade(ask: Ask): Promise<void> {
    const settled = this.#hands.settled.splice(0, MAX_SETTLED);
    const number = this.#lanes.begin(ask);
    const asked = performance.now();
    try {
      const reply = await this.#exchange.send(number, ask.want, ask.idle, settled, this.#hello());
      this.#lanes.end(number);
      this.#heed(reply, ask.want, settled, asked);
    } catch (error) {
      this.#lanes.end(number);
      this.#giveUp(error as Error);
    }
  }

  #heed({ kind, wait, stale, taken }: Reply, want: number, settled: Settled[], asked: number): void {
    const { onEvent, leaseMs } = this.#options;
    const hands = this.#hands;
    if (onEvent) {
      for (const member of stale) {
        const id = settled.find((one) => one.member === member)?.id ?? 0;
        onEvent({ type: "stale", id });
      }
    }
    if (kind === "finished" || kind === "aborted") this.#end ??= kind;
    this.#lanes.heard(want, taken.length, wait, performance.now());
    if (wait > 0 && hands.size === 0 && taken.length === 0) onEvent?.({ type: "waiting", forMs: wait });
    hands.ahead.put(taken);
    // An answer that lay unread behind a handler that blocked: others may have these items by now.
    const late = taken.length > 0 && performance.now() - asked > 0.8 * leaseMs;
    if (this.#end || late) hands.giveBack();
    const jobs = hands.begin();
    // First the free slots are asked for, then the work is done: so the two lanes take turns, and Redis is busy meanwhile. Sent together, they
    // would be answered together, ever after.
    this.#pump();
    for (const job of jobs) hands.work(job);
  }

  /** Only failures, one after the other: is it this worker, or the handler? */
  async #askIfSick(): Promise<void> {
    const sick = await this.#hands.sick.ask(this.#redis, this.#options.queue).catch(() => undefined);
    if (sick === undefined || this.#end) return;
    this.#options.onEvent?.({ type: "sick", why: sick });
    this.#end = "sick";
    await this.#leave(0);
  }

  #beat(): void {
    this.#hands.beat();
    if (this.#renewal && performance.now() - this.#helloAt > 1_000) this.#hello();
  }

  /** What this worker says of itself, at most once a second; and always to the thread that renews. */
  #hello(): string {
    const now = performance.now();
    if (this.#helloAt > 0 && now - this.#helloAt < 1_000 && !this.#end) return "";
    this.#helloAt = now;
    const { pod, node, concurrency: slots } = this.#options;
    const { done, failed } = this.#hands;
    const row = { pod, node, slots, startedAt: this.#startedAt, done, failed, ended: this.#end !== undefined };
    const hello = JSON.stringify(row);
    this.#renewal?.postMessage({ hello } satisfies ToRenewal);
    return hello;
  }

  #giveUp(error: Error): void {
    this.#hands.abort(error);
    if (error instanceof RedisAway) {
      this.#options.onEvent?.({ type: "redis", up: false, why: error.message });
      this.#end = "redis-away";
      this.#over?.resolve("redis-away");
    } else this.#over?.reject(error);
  }

  /** Ends the run when all that was in hand is settled, and known to be. */
  #isOver(): boolean {
    if (!this.#end) return false;
    const { size, ahead, settled } = this.#hands;
    const busy = size + ahead.size + settled.length + this.#lanes.size > 0;
    if (!busy) this.#over?.resolve(this.#end);
    return !busy;
  }
}
