import type { Redis } from "ioredis";
import { connect } from "../redis/connect.ts";
import { keys, type Keys } from "../redis/keys.ts";
import { PageSizer } from "../redis/pageSizer.ts";
import { type ParsedRecord, parseRecord, type Origin } from "./record.ts";
import { Script } from "../redis/script.ts";
import type { BatchState, Counts, ItemRecord, PurgeResult, QueueAdminApi, QueueSummary, WorkerInfo } from "../types.ts";
import { listQueues } from "./queueList.ts";
import { Supervision } from "./supervision.ts";
import { parseWorker, type WorkerFields } from "./workerInfo.ts";

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
  /** What the batch's supervisor keeps in it. */
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

  /** Ends the connection. */
  async close(): Promise<void> {
    this.#redis.disconnect();
  }

  /** Where the batch stands, in one atomic read; a queue nobody seeded or took from is `open` and without an owner. */
  async counts(): Promise<Counts> {
    const reply = (await scripts.counts.run(this.#redis, this.#queue)) as [string, string, string, ...number[]];
    const [state, reason, owner, ...numbers] = reply;
    const [total, waiting, running, delayed, done, dead, lost, retried, foreign, startedAt, endedAt, dueSoon, now] =
      numbers as [
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
        number,
      ];
    return {
      state: state as BatchState,
      ...(reason && { reason }),
      owner,
      ...{
        total,
        waiting,
        running,
        delayed,
        done,
        dead,
        lost,
        retried,
        external: foreign,
        startedAt,
        endedAt,
        dueSoon,
        now,
      },
    };
  }

  /** The worker processes that ever spoke, by when they started, with what they have in hand. */
  async workers(): Promise<WorkerInfo[]> {
    const rows = await this.#sessions();
    const infos = new Map<string, WorkerInfo>();
    for (const [session, row] of rows) infos.set(session, { session, ...row, inFlight: [] });
    const members = await this.#redis.zrange(this.#keys.leases, 0, "-1");
    const ids = members.map((member) => Number(member.split(":")[0]));
    for (const record of await this.#records(ids, rows)) {
      if (!record.lease) continue;
      const { id, payload, lease } = record;
      infos.get(lease.session)?.inFlight.push({ id, payload, since: lease.since });
    }
    return [...infos.values()].sort((a, b) => a.startedAt - b.startedAt);
  }

  async *results(): AsyncIterable<ItemRecord> {
    const rows = await this.#sessions();
    // Ids are given in order, so the last one known at the start bounds the walk.
    const last = Number((await this.#redis.hget(this.#keys.batch, "lastId")) ?? 0);
    const pager = new PageSizer();
    for (let first = 1; first <= last;) {
      const ids = Array.from({ length: Math.min(pager.size, last - first + 1) }, (_, index) => first + index);
      first += ids.length;
      for (const record of await this.#records(ids, rows, pager)) yield item(record);
    }
  }

  async *dead(): AsyncIterable<ItemRecord> {
    const rows = await this.#sessions();
    // All ids at once, so that one put back meanwhile moves nobody out of a page: a few bytes each.
    const ids = await this.#redis.zrange(this.#keys.dead, 0, "-1");
    const pager = new PageSizer();
    for (let first = 0; first < ids.length;) {
      const page = ids.slice(first, first + pager.size).map(Number);
      first += page.length;
      for (const record of await this.#records(page, rows, pager)) {
        if (record.outcome === "dead") yield item(record);
      }
    }
  }

  async find(payload: string | Buffer): Promise<number[]> {
    const wanted = Buffer.from(payload);
    const found: number[] = [];
    for await (const record of this.results()) if (record.payload.equals(wanted)) found.push(record.id);
    return found;
  }

  async log(id: number): Promise<string | undefined> {
    return (await this.#redis.hget(this.#keys.logs, String(id))) ?? undefined;
  }

  async requeueDead(ids?: number[]): Promise<number> {
    let count = 0;
    if (ids) {
      for (let first = 0; first < ids.length; first += 1000) {
        count += await this.#requeue("", ...ids.slice(first, first + 1000));
      }
      return count;
    }
    // Until now: what dies again while we are at it is not put back a second time.
    const { now } = await this.counts();
    for (let some = 1; some > 0; count += some) some = await this.#requeue(now);
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
    return (await scripts.requeue.run(this.#redis, this.#queue, ...args)) as number;
  }

  async #change(...args: string[]): Promise<void> {
    const state = await scripts.state.run(this.#redis, this.#queue, ...args);
    if (state === null)
      throw new Error(`Nothing was ever seeded into or taken from the queue ${this.#queue}: run \`pulumi up\` first.`);
  }

  async #sessions(): Promise<Map<string, WorkerFields>> {
    const rows = new Map<string, WorkerFields>();
    for (const [session, text] of Object.entries(await this.#redis.hgetall(this.#keys.workers))) {
      if (!session.includes("#")) rows.set(session, parseWorker(text));
    }
    return rows;
  }

  /** The records of these ids, from both hashes at one moment: none is missed or seen twice because it moved. */
  async #records(ids: number[], rows: Map<string, WorkerFields>, pager?: PageSizer): Promise<ParsedRecord[]> {
    if (ids.length === 0) return [];
    const replies = await this.#redis
      .multi()
      .hmgetBuffer(this.#keys.items, ...ids.map(String))
      .hmgetBuffer(this.#keys.results, ...ids.map(String))
      .exec();
    const [items, results] = replies!.map(([error, value]) => {
      if (error) throw error;
      return value as (Buffer | null)[];
    });
    pager?.observe(ids.map((_, index) => results![index] ?? items![index]!));
    const place = (session: string): Origin => {
      const row = rows.get(session);
      return row ? { pod: row.pod, node: row.node } : { pod: session };
    };
    return ids.flatMap((id, index) => {
      const settled = results![index];
      const record = settled ?? items![index];
      return record ? [parseRecord(id, record, settled !== null, place)] : [];
    });
  }
}

/** What others see of a record. */
function item({ lease: _lease, ...record }: ParsedRecord): ItemRecord {
  return record;
}
