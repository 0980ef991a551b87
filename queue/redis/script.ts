import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Command, type Redis } from "ioredis";
import { keyList } from "./keys.ts";

/** A line of a script that stands for a file of queue/scripts/includes, and names what the script takes from it. */
const INCLUDE = /^--- @include "([\w-]+)"(?:: .*)?$/gm;

const read = (path: string) => readFileSync(new URL(`../scripts/${path}.lua`, import.meta.url), "utf8");

/** Text of a script, its parts put in. */
export function readScript(name: string): string {
  return withIncludes(read(name));
}

function withIncludes(text: string): string {
  return text.replaceAll(INCLUDE, (_, part: string) => withIncludes(read(`includes/${part}`).trimEnd()));
}

/**
 * A script of queue/scripts. It is sent by its digest, and whole if Redis does not know it (yet, or any more after a
 * restart).
 */
export class Script {
  readonly #text: string;
  readonly #sha: string;
  /** The beginning of the command for one queue, up to its single argument. */
  #head?: { queue: string; bytes: string };

  /**
   * @param name The file's name without `.lua`.
   * @param flag A flag of Redis scripts to declare in addition.
   */
  constructor(name: string, flag?: string) {
    const text = readScript(name);
    this.#text = flag ? text.replace("#!lua", `#!lua flags=${flag}`) : text;
    this.#sha = createHash("sha1").update(this.#text).digest("hex");
  }

  /** Makes it known to Redis, so that {@link send} finds it. */
  async load(redis: Redis): Promise<void> {
    await redis.script("LOAD", this.#text);
  }

  /** Runs it. */
  async run(redis: Redis, queue: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    return orIfUnknown(this.send(redis, queue, ...args), () => this.sendWhole(redis, queue, ...args));
  }

  /** As {@link run}, answering bytes as they are. */
  async runForBytes(redis: Redis, queue: string, ...args: (string | number)[]): Promise<unknown> {
    const keys = keyList(queue);
    const call = (command: string, script: string) => redis.callBuffer(command, script, keys.length, ...keys, ...args);
    return orIfUnknown(call("EVALSHA", this.#sha), () => call("EVAL", this.#text));
  }

  /**
   * Sends it by its digest only, for calls that follow each other without waiting: none of them can be overtaken by a
   * second try of the one before.
   */
  send(redis: Redis, queue: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    const keys = keyList(queue);
    return redis.evalsha(this.#sha, keys.length, ...keys, ...args);
  }

  /**
   * As {@link send}, with one argument; answers bytes as they are.
   * @param request The argument as a binary string (messagePack.ts).
   */
  sendRequest(redis: Redis, queue: string, request: string): Promise<unknown> {
    if (this.#head?.queue !== queue) this.#head = { queue, bytes: this.#commandHead(queue) };
    const bytes = Buffer.from(`${this.#head.bytes}$${request.length}\r\n${request}\r\n`, "latin1");
    const command = new Command("evalsha", [this.#sha], { replyEncoding: null });
    // ioredis writes buffers, too; only its types say otherwise.
    command.toWritable = () => bytes;
    return redis.sendCommand(command) as Promise<unknown>;
  }

  /** As {@link sendRequest}, but whole if Redis does not know the script. */
  async runRequest(redis: Redis, queue: string, request: string): Promise<unknown> {
    return orIfUnknown(this.sendRequest(redis, queue, request), async () => {
      await this.load(redis);
      return this.sendRequest(redis, queue, request);
    });
  }

  #commandHead(queue: string): string {
    const keys = keyList(queue);
    const words = ["evalsha", this.#sha, String(keys.length), ...keys];
    const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("");
    return Buffer.from(`*${words.length + 1}\r\n${bulk}`).toString("latin1");
  }

  /** As {@link send}, but whole: in a transaction, it would be too late to find out that Redis does not know it. */
  sendWhole(redis: Redis, queue: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    const keys = keyList(queue);
    return redis.eval(this.#text, keys.length, ...keys, ...args);
  }
}

/** The answer to a script that was sent by its digest; if Redis does not know it, the answer of `otherwise`. */
async function orIfUnknown<T>(sent: Promise<T>, otherwise: () => Promise<T>): Promise<T> {
  try {
    return await sent;
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith("NOSCRIPT"))) throw error;
    return otherwise();
  }
}
