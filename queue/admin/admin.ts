import type { Redis } from "ioredis";
import { connect, realError } from "../redis/connect.ts";
import { REDIS_FULL, RedisError } from "../redis/errors.ts";
import { keys, type Keys } from "../redis/keys.ts";
import { Script } from "../redis/script.ts";
import type { Counts, ItemRecord, LogLine, PurgeResult, QueueAdminApi, QueueSummary, WorkerInfo } from "../types.ts";
import { cancelItems, type Which } from "./cancel.ts";
import { parseCounts } from "./counts.ts";
import { itemBytes } from "../itemText.ts";
import { followLog } from "./followLog.ts";
import { readMembers } from "./members.ts";
import { listQueues } from "./queueList.ts";
import { parseRecord, sessionsOf } from "../redis/record.ts";
import { idsUpTo, readRecords } from "../redis/recordReader.ts";
import { type Durations, readDurations } from "./readDurations.ts";
import { Supervision } from "./supervision.ts";
import { Origins } from "./workerInfo.ts";
import { readWorkers } from "./workers.ts";

const scripts = {
  counts: new Script("counts"),
  state: new Script("set-state"),
  requeue: new Script("requeue"),
  purge: new Script("purge"),
};

/**
 * Everything but taking and seeding: what a person, the CLI and the verdict ask of a queue.
 *
 *     const admin = await QueueAdmin.open("redis://127.0.0.1:6379", "job2");
 *     console.log(await admin.counts());
 *     await admin.close();
 */
export class QueueAdmin implements QueueAdminApi {
  readonly #redis: Redis;
  readonly #queue: string;
  readonly #keys: Keys;
  /** The supervisor's part of the batch. */
  readonly supervision: Supervision;

  /**
   * @param redis A connection, as `connect` makes it.
   * @param queue Name of the list.
   */
  constructor(redis: Redis, queue: string) {
    this.#redis = redis;
    this.#queue = queue;
    this.#keys = keys(queue);
    this.supervision = new Supervision(redis, queue);
  }

  /**
   * Connects.
   * @param url `redis://` or `rediss://`, with its password if it has one.
   * @throws Error with one line, as `connect`.
   */
  static async open(url: string, queue: string): Promise<QueueAdmin> {
    return new QueueAdmin(await connect(url), queue);
  }

  /** The queues of a Redis, by name. */
  static list(redis: Redis): Promise<QueueSummary[]> {
    return listQueues(redis, (queue) => new QueueAdmin(redis, queue).counts());
  }

  /** Reason why a call failed: the reason of the connection, if it is gone. */
  reasonOf(error: unknown): Error {
    return realError(this.#redis, error as Error);
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  /** Times of the attempts whose outcome is known. */
  durations(): Promise<Durations> {
    return readDurations(this.#redis, this.#queue);
  }

  /** State and counts in one atomic read. A queue that nobody seeded or took from is `open`, without an owner. */
  async counts(): Promise<Counts> {
    return parseCounts(await scripts.counts.run(this.#redis, this.#queue));
  }

  /** The worker processes that are alive or hold items, by when they started, with what they have in flight. */
  async workers(): Promise<WorkerInfo[]> {
    return readWorkers(this.#redis, this.#queue);
  }

  async *results(after = 0): AsyncIterable<ItemRecord> {
    // Ids are given in order, so the last one known at the start bounds the walk.
    const last = Number((await this.#redis.hget(this.#keys.batch, "lastId")) ?? 0);
    yield* this.records(idsUpTo(last, after));
  }

  async *dead(): AsyncIterable<ItemRecord> {
    for await (const page of readMembers(this.#redis, this.#keys.dead)) {
      const ids = page.map(({ member }) => Number(member));
      // An item that was put back meanwhile is not dead any more.
      for await (const record of this.records(ids)) if (record.outcome === "dead") yield record;
    }
  }

  async find(payload: string | Buffer): Promise<number[]> {
    const wanted = typeof payload === "string" ? itemBytes(payload) : payload;
    const found: number[] = [];
    for await (const record of this.results()) if (record.payload.equals(wanted)) found.push(record.id);
    return found;
  }

  async log(id: number): Promise<string | undefined> {
    return (await this.#redis.hget(this.#keys.logs, String(id))) ?? undefined;
  }

  followLog(onLine: (line: LogLine) => void): Promise<() => void> {
    return followLog(this.#redis, this.#queue, onLine);
  }

  async requeueDead(ids?: number[]): Promise<number> {
    let count = 0;
    if (ids) {
      for (let first = 0; first < ids.length; first += 1000) {
        const page = ids.slice(first, first + 1000);
        for (let some = 1; some > 0; count += some) some = await this.#requeue("", ...page);
      }
      return count;
    }
    // Up to now: an item that dies again meanwhile is not put back a second time.
    const { now } = await this.counts();
    for (let some = 1; some > 0; count += some) some = await this.#requeue(now, "-inf");
    return count;
  }

  cancel(which: Which, who: string): Promise<number> {
    return cancelItems(this.#redis, this.#queue, which, `cancelled by ${who}`);
  }

  async retry(ids?: number[]): Promise<number> {
    // A full Redis refuses this, so it comes first: then nothing has changed.
    const count = await this.requeueDead(ids);
    await this.#change("reopen");
    return count;
  }

  async pause(): Promise<void> {
    await this.#change("pause");
  }

  async resume(): Promise<void> {
    await this.#change("resume");
  }

  /** Ends the batch for all workers. A finished or aborted one is left as it is, with its first reason. */
  async abort(reason: string): Promise<void> {
    await this.#change("abort", reason.replaceAll(/\s*\n\s*/g, " "));
  }

  async purge({ force = false } = {}): Promise<PurgeResult> {
    const reply = await scripts.purge.run(this.#redis, this.#queue, force ? 1 : 0);
    const [outcome, number = 0, seeding = 0] = reply as [PurgeResult["outcome"], number?, number?];
    if (outcome === "purged") return { outcome, items: number };
    if (outcome === "inUse") return { outcome, running: number, seeding: seeding === 1 };
    return { outcome };
  }

  async #requeue(...args: (string | number)[]): Promise<number> {
    try {
      return (await scripts.requeue.run(this.#redis, this.#queue, ...args)) as number;
    } catch (error) {
      throw (error as Error).message.startsWith("OOM") ? new RedisError(REDIS_FULL) : error;
    }
  }

  async #change(...args: string[]): Promise<void> {
    const state = await scripts.state.run(this.#redis, this.#queue, ...args);
    if (state === null)
      throw new Error(`Nothing was ever seeded into or taken from the queue ${this.#queue}: run \`pulumi up\` first.`);
  }

  async *records(ids: Iterable<number>): AsyncIterable<ItemRecord> {
    const origins = new Origins(this.#redis, this.#keys);
    for await (const page of readRecords(this.#redis, this.#queue, ids)) {
      await origins.learn(page.flatMap(({ bytes }) => sessionsOf(bytes)));
      for (const { id, bytes, isSettled } of page) {
        const { lease: _, ...record } = parseRecord(id, bytes, isSettled, (session) => origins.of(session));
        yield record;
      }
    }
  }
}
