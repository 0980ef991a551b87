import type { Redis } from "ioredis";
import { connect } from "../redis/connect.ts";
import { isRefusal, isTransient } from "../redis/errors.ts";
import { Script } from "../redis/script.ts";
import { waitAof } from "../redis/waitAof.ts";
import type { SeedOptions } from "../types.ts";
import { seedError, SeedInterruptedError, SeedOvertakenError, SeedRefusedError } from "./seedErrors.ts";

const scripts = {
  begin: new Script("seed-begin"),
  advance: new Script("seed-advance"),
  swap: new Script("seed-swap"),
  drop: new Script("seed-drop"),
  requeue: new Script("requeue"),
};

/** Progress of the seeding of a batch. */
export interface SeedState {
  digest: string;
  /** Number of items of the source that are seeded. */
  offset: number;
  state: string;
  seeded: boolean;
  /** Items that are done or in flight and no longer in the source. */
  retired: number;
  /** Dead items to be requeued for this `seedId`, and until when they had died, ms. */
  dead: number;
  diedUntil: string;
}

type Arg = string | number;

/** Access to read a queue. */
export type QueueReader = Pick<SeedSession, "redis" | "queue" | "call">;

/**
 * One connection of a seeding, and the chain of digests that fences it: each call that changes something says which
 * digest it expects in the batch and which it leaves there. So a call that was lost, doubled, or comes from a seeder
 * that was thought dead changes nothing. Never reconnects: after a cut, the seeding must look again.
 */
export class SeedSession {
  readonly redis: Redis;
  readonly queue: string;
  /** Digest that the next call expects. */
  digest = "";

  private constructor(redis: Redis, queue: string) {
    this.redis = redis;
    this.queue = queue;
  }

  /** Connects and loads the scripts. */
  static async open(url: string, queue: string): Promise<SeedSession> {
    let redis: Redis;
    try {
      redis = await connect(url, 1000);
    } catch (error) {
      const { message, cause = error } = error as Error;
      throw isTransient(cause) && !isRefusal(cause as Error)
        ? new SeedInterruptedError(message, { cause })
        : new SeedRefusedError(message, { cause });
    }
    // WAITAOF vouches only for the writes of its own connection.
    redis.options.retryStrategy = () => null;
    // Notices a connection that broke silently; no call of a seeding takes Redis as long.
    redis.options.commandTimeout = 60_000;
    const session = new SeedSession(redis, queue);
    for (const script of Object.values(scripts)) await session.call(() => script.load(redis));
    return session;
  }

  close(): void {
    this.redis.disconnect();
  }

  /** Any use of the connection; what it throws becomes {@link SeedInterruptedError} or {@link SeedRefusedError}. */
  async call<T>(use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      throw seedError(error as Error, this.queue);
    }
  }

  /** Creates or adopts the batch, or refuses. */
  async begin({ owner, run, seedId }: SeedOptions, nonce: string): Promise<SeedState> {
    const reply = await this.call(() => scripts.begin.run(this.redis, this.queue, owner, run, seedId, nonce));
    const [kind, digest, offset, state, seeded, retired, dead, diedUntil] = (reply as unknown[]).map(String) as [
      ...[string, string, string, string, string, string, string, string],
    ];
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
    this.digest = digest;
    return {
      digest,
      offset: Number(offset),
      state,
      seeded: seeded === "1",
      retired: Number(retired),
      dead: Number(dead),
      diedUntil,
    };
  }

  /** Moves to the next stage; see seed-advance.lua. */
  advance(stage: "grow" | "edit" | "undo" | "done", digest: string, ...args: Arg[]): Promise<unknown> {
    return this.#fenced(scripts.advance, digest, stage, ...args);
  }

  /** Puts the new list in place of the waiting one; see seed-swap.lua. Returns a length if it changed nothing. */
  async swap(digest: string, ...args: Arg[]): Promise<number | undefined> {
    const before = this.digest;
    const reply = await this.#fenced(scripts.swap, digest, ...args);
    if (!Array.isArray(reply)) return undefined;
    this.digest = before;
    return reply[0] as number;
  }

  /** Drops items that were taken before; returns how many. */
  async drop(digest: string, ids: number[]): Promise<number> {
    return (await this.#fenced(scripts.drop, digest, ...ids)) as number;
  }

  /** Requeues items that had died until then; returns how many. */
  async requeue(diedUntil: string): Promise<number> {
    let count = 0;
    for (let some = 1; some > 0; count += some) {
      some = (await this.call(() => scripts.requeue.run(this.redis, this.queue, diedUntil, 0))) as number;
    }
    return count;
  }

  /** Returns when everything this connection wrote is on disk, as far as Redis can say so. */
  async waitAof(onRefused: (reason: string) => void): Promise<void> {
    if (!(await this.call(() => waitAof(this.redis, onRefused))))
      throw new SeedInterruptedError("Redis took more than 30 s to write to its disk");
  }

  async #fenced(script: Script, digest: string, ...args: Arg[]): Promise<unknown> {
    const sent = () => script.send(this.redis, this.queue, this.digest, digest, ...args);
    const reply = unlessFenced(await this.call(sent));
    this.digest = digest;
    return reply;
  }
}

/** The answer of a fenced call that changed something. */
export function unlessFenced(reply: unknown): unknown {
  if (reply === "moved") throw new SeedOvertakenError();
  if (reply === "aborted")
    throw new SeedRefusedError("The batch was aborted while it was seeded: see `npx --no wq status` for the reason.");
  return reply;
}
