import { Command } from "ioredis";
import { keys } from "../redis/keys.ts";
import { Script } from "../redis/script.ts";
import type { EncodedChunk } from "./chunkEncoder.ts";
import { type SeedSession, unlessFenced } from "./seedSession.ts";

/** Chunks that may be in flight: while Redis works on one the next is encoded. */
export const MAX_CHUNKS_IN_FLIGHT = 8;

const script = new Script("seed-push");

/** Chunks on their way to a list: the waiting one, or the one that an edit builds beside it. */
export class ChunkPipeline {
  readonly #session: SeedSession;
  readonly #target: "list" | "next";
  #inFlight: Promise<number>[] = [];
  /** Digest after the last chunk that Redis has answered. */
  #confirmed: string | undefined;

  constructor(session: SeedSession, target: "list" | "next") {
    this.#session = session;
    this.#target = target;
  }

  /**
   * Sends a chunk; waits only while enough are in flight.
   * @returns How many items of the source are in as far as is known, or undefined.
   */
  async push(chunk: EncodedChunk, digest: string): Promise<number | undefined> {
    const expected = this.#session.digest;
    this.#confirmed ??= expected;
    const sent = this.#session
      .call(() => this.#send(chunk, expected, digest))
      .then((reply) => {
        const offset = unlessFenced(reply) as number;
        this.#confirmed = digest;
        return offset;
      });
    sent.catch(() => {}); // awaited later; until then nobody handles its failure
    this.#session.digest = digest;
    this.#inFlight.push(sent);
    return this.#inFlight.length >= MAX_CHUNKS_IN_FLIGHT ? this.#inFlight.shift() : undefined;
  }

  /** Waits for all chunks in flight. Returns how many items are in, or undefined if none was in flight. */
  async flush(): Promise<number | undefined> {
    let offset: number | undefined;
    for (const sent of this.#inFlight.splice(0)) offset = await sent;
    this.#confirmed = undefined;
    return offset;
  }

  /** After a chunk that was not pushed, sets the session back to the last one that was. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.#inFlight.splice(0));
    this.#session.digest = this.#confirmed ?? this.#session.digest;
    this.#confirmed = undefined;
  }

  /** One transaction. All of it is sent in one go, so nothing else of this connection gets in between. */
  async #send(chunk: EncodedChunk, expected: string, digest: string): Promise<unknown> {
    const { redis, queue } = this.#session;
    const push = new Command("rpush", [keys(queue)[this.#target]], { replyEncoding: "utf8" });
    // ioredis writes buffers, too; only its types say otherwise.
    push.toWritable = () => chunk.command;
    const replies = await Promise.allSettled([
      redis.call("MULTI"),
      redis.sendCommand(push),
      script.sendWhole(redis, queue, expected, digest, this.#target, chunk.count),
      redis.call("EXEC") as Promise<unknown[]>,
    ]);
    // The first error is the reason: the EXEC after it says only that there was one.
    for (const reply of replies) if (reply.status === "rejected") throw reply.reason;
    const results = (replies[3] as PromiseFulfilledResult<unknown[]>).value;
    for (const result of results) if (result instanceof Error) throw result;
    return results[1];
  }
}
