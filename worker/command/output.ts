// Output of a command: how long it is waited for, how much of it is kept, and how it is read.
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * After a command ended, processes that it left may hold its pipes open. The pipes are read until they are quiet this
 * long, ms.
 */
const QUIET_MS = 1_000;
/** Longest wait for such processes, ms. They are being ended meanwhile. */
const MAX_WAIT_MS = 6_000;
const TICK_MS = 50;

/** The beginning of an output, up to a limit and a chunk more. */
export class OutputBuffer {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #length = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Adds a chunk. Bytes over the limit are dropped and not left unread, which would block the program. */
  add(chunk: Buffer): void {
    if (this.#length > this.#limit) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The result: JSON as its value, anything else as text without its last line end; undefined if there is none. */
  get result(): unknown {
    const text = this.#text;
    if (text === "") return undefined;
    return this.#length > this.#limit ? text : parseOutput(text);
  }

  /** The lines of it, for a log. */
  get lines(): string[] {
    return this.#text === "" ? [] : this.#text.split(/\r?\n/);
  }

  get #text(): string {
    return Buffer.concat(this.#chunks)
      .toString()
      .replace(/\r?\n$/, "");
  }
}

/** `JSON` with what TypeScript does not know of it yet. */
const json = JSON as unknown as {
  parse(text: string, reviver?: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};

/** Numbers that JavaScript may write in another way. */
const UNUSUAL_NUMBER = /\d{16}|\.\d*0(?!\d)|\d[eE]/;

/**
 * The value of a text that is JSON as a whole; any other text as it is. A number that JavaScript would write in another
 * way also stays text: programs print `007`, `1.10`, `123e4567` and 20 digits as words. In objects and arrays, numbers
 * keep their spelling.
 */
export function parseOutput(text: string): unknown {
  try {
    const value = json.parse(text);
    if (typeof value === "number") return String(value) === text.trim() ? value : text;
    // A value so deep that it cannot be written again stays text.
    const result = UNUSUAL_NUMBER.test(text) ? json.parse(text, keepSpelling) : value;
    JSON.stringify(result);
    return result;
  } catch {
    return text;
  }
}

/** The value of a JSON text, in which all numbers keep their spelling. @throws SyntaxError */
export function parseJson(text: string): unknown {
  return UNUSUAL_NUMBER.test(text) ? json.parse(text, keepSpelling) : json.parse(text);
}

function keepSpelling(_: string, value: unknown, { source }: { source?: string }): unknown {
  return typeof value === "number" && source !== undefined && String(value) !== source ? json.rawJSON(source) : value;
}

/**
 * Waits, after a program ended, until all it wrote has been read: its pipes are closed, or have been quiet for a second
 * in which this process looked. A process that holds them open for longer is not waited for.
 * @param closed Settles when the pipes are closed.
 */
export async function outputRead(
  { stdout, stderr }: { stdout: Readable; stderr: Readable },
  closed: Promise<unknown>,
): Promise<void> {
  let isClosed = false;
  let quietMs = 0;
  const onClose = closed.then(() => (isClosed = true));
  const onData = () => (quietMs = 0);
  stdout.on("data", onData);
  stderr.on("data", onData);
  // Ticks are counted, not time: after a blocked event loop the pipes are read before the next tick.
  for (let ms = 0; !isClosed && quietMs < QUIET_MS && ms < MAX_WAIT_MS; ms += TICK_MS) {
    await Promise.race([onClose, sleep(TICK_MS)]);
    quietMs += TICK_MS;
  }
  // If a log's last line has no end, it is told at the close.
  for (const pipe of [stdout, stderr]) if (!pipe.closed) await once(pipe.destroy(), "close");
}
