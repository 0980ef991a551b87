import type { Redis } from "ioredis";
import type { EncodedChunk } from "./chunkEncoder.ts";
import { connect, isTransient } from "../redis/connect.ts";
import { waitAof } from "../redis/waitAof.ts";
import { Script } from "../redis/script.ts";
import type { SeedOptions } from "../types.ts";

const script = (name: string) => new Script(name);
const scripts = {
  begin: script("seed-begin"),
  mark: script("seed-advance"),
  push: script("seed-push"),
  drop: script("seed-drop"),
  turn: script("seed-rotate"),
  requeue: script("requeue"),
};

/** Chunks that may be under way at a time: while Redis works on one the next is packed. */
export const MAX_CHUNKS_IN_FLIGHT = 4;

/** The seeding must look again how far it is: Redis was away, went back, or somebody else moved the batch on. */
export class SeedInterruptedError extends Error {}

/** The seeding cannot go on, one line. */
export class SeedRefusedError extends Error {}

/** How far a batch is. */
export interface SeedState {
  digest: string;
  /** Items of the source that are in. */
  offset: number;
  state: string;
  seeded: boolean;
  /** Items at the head of the list that an interrupted edit had not moved yet. */
  turn: number;
  /** Items that are done or in hand and no longer in the source. */
  gone: number;
  /** Dead items to be put back for this attempt, and until when they had died, ms. */
  dead: number;
  until: string;
}

/**
 * One connection of a seeding, and the chain of digests that fences it: each script that changes something says which
 * digest it expects in the batch and which it leaves there. So a call that was lost, doubled, or comes from a seeder
 * that was thought dead changes nothing. Never reconnects by itself: who was cut off must look again.
 */
export class SeedSession {
  readonly redis: Redis;
  readonly queue: string;
  /** What the next script expects. */
  digest = "";
  #inFlight: Promise<number>[] = [];

  private constructor(redis: Redis, queue: string) {
    this.redis = redis;
    this.queue = queue;
  }

  /** Connects and makes the scripts known. */
  static async open(url: string, queue: string): Promise<SeedSession> {
    let redis: Redis;
    try {
      redis = await connect(url, 1000);
    } catch (error) {
      const { message, cause } = error as Error;
      throw isTransient(cause)
        ? new SeedInterruptedError(message, { cause })
        : new SeedRefusedError(message, { cause });
    }
    // Who was cut off looks again; and WAITAOF answers for the writes of its own connection only.
    redis.options.retryStrategy = () => null;
    // For a connection that died without a word; nothing here takes Redis so long.
    redis.options.commandTimeout = 60_000;
    const link = new SeedSession(redis, queue);
    for (const one of Object.values(scripts)) await link.call(() => one.load(redis));
    return link;
  }

  close(): void {
    this.redis.disconnect();
  }

  /** Makes or adopts the batch, or refuses. */
  async begin({ owner, run, seedId: attempt }: SeedOptions, nonce: string): Promise<SeedState> {
    const args = [owner, run, attempt, nonce];
    const reply = await this.call(() => scripts.begin.run(this.redis, this.queue, ...args));
    const [kind, digest, offset, state, seeded, rotate, gone, dead, until] = (reply as unknown[]).map(String);
    if (kind === "otherOwner") {
      throw new SeedRefusedError(
        `The queue ${this.queue} belongs to ${digest}, and this is ${owner}: set another \`queue\`, or destroy that stack first.`,
      );
    }
    if (kind === "schema") {
      throw new SeedRefusedError(
        `The queue ${this.queue} was made by another version of this program (schema ${digest}): empty it first.`,
      );
    }
    this.digest = digest!;
    return {
      ...{ digest: digest!, offset: Number(offset), state: state!, seeded: seeded === "1" },
      ...{ turn: Number(rotate), gone: Number(gone), dead: Number(dead), until: until! },
    };
  }

  /**
   * Sends a chunk; waits only while enough are under way. Answers how many items are in as far as is known, or
   * undefined.
   */
  async push(chunk: EncodedChunk, next: string): Promise<number | undefined> {
    const sent = this.call(() => scripts.push.sendChunk(this.redis, this.queue, [this.digest, next], chunk)).then(
      (reply) => fenced(reply) as number,
    );
    sent.catch(() => {}); // awaited later; until then a failure is nobody's
    this.digest = next;
    this.#inFlight.push(sent);
    return this.#inFlight.length >= MAX_CHUNKS_IN_FLIGHT ? this.#inFlight.shift() : undefined;
  }

  /** Waits for all chunks under way. Answers how many items are in, or undefined if none was. */
  async allPushed(): Promise<number | undefined> {
    let offset: number | undefined;
    for (const sent of this.#inFlight.splice(0)) offset = await sent;
    return offset;
  }

  /** The next stage; see seed-advance.lua. */
  async advance(
    stage: "grow" | "edit" | "done",
    next: string,
    ...args: (string | number)[]
  ): Promise<[number, number]> {
    return (await this.#fenced(scripts.mark, next, stage, ...args)) as [number, number];
  }

  /** Drops items that were taken before; answers how many. */
  async drop(next: string, ids: number[]): Promise<number> {
    return (await this.#fenced(scripts.drop, next, ...ids)) as number;
  }

  /**
   * Moves the head of the list to its end; see seed-rotate.lua. Answers the length of the list where it is not the
   * expected one.
   */
  async turn(next: string, ...args: (string | number | Buffer)[]): Promise<number | undefined> {
    const expected = this.digest;
    const reply = await this.#fenced(scripts.turn, next, ...args);
    if (reply === 1) return undefined;
    this.digest = expected;
    return -(reply as number);
  }

  /** Puts back those who had died until then; answers how many. */
  async requeue(until: string): Promise<number> {
    let count = 0;
    for (let some = 1; some > 0; count += some) {
      some = (await this.call(() => scripts.requeue.run(this.redis, this.queue, until))) as number;
    }
    return count;
  }

  /** Returns when everything this connection wrote is on disk. */
  async waitAof(): Promise<void> {
    if (!(await this.call(() => waitAof(this.redis))))
      throw new SeedInterruptedError("Redis took more than 30 s to write to its disk");
  }

  async #fenced(to: Script, next: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    const reply = fenced(await this.call(() => to.send(this.redis, this.queue, this.digest, next, ...args)));
    this.digest = next;
    return reply;
  }

  /** Any use of the connection: what can pass becomes {@link SeedInterruptedError}, what cannot is refused with one line. */
  async call<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      const { name, message } = error as Error;
      if (message.startsWith("OOM")) {
        throw new SeedRefusedError(
          `Redis is full: raise \`redisMemory\` (its maxmemory), then run again; what is in stays in.`,
        );
      }
      if (/^(WRONGPASS|NOAUTH|NOPERM|WRONGTYPE|ERR)/.test(message)) {
        throw new SeedRefusedError(`Redis refused to seed the queue ${this.queue}: ${message}`);
      }
      throw new SeedInterruptedError(`${name === "ReplyError" ? "Redis answered" : "Redis is away"}: ${message}`, {
        cause: error,
      });
    }
  }
}

/** What a fenced script answered, unless it changed nothing. */
function fenced(reply: unknown): unknown {
  if (reply === "moved") throw new SeedInterruptedError("another seeder is at work, or Redis lost what it had");
  if (reply === "aborted")
    throw new SeedRefusedError("The batch was aborted while it was seeded: see `npx wq status` for the reason.");
  return reply;
}
