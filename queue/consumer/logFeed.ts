// Publishes what items log, for whoever follows: nothing is sent while nobody does.
import type { Redis } from "ioredis";
import { itemText } from "../itemText.ts";
import { logChannel } from "../redis/keys.ts";
import type { LogLine } from "../types.ts";

const EVERY_MS = 500;
/** Lines that wait, in characters: the last ones are kept. */
const MAX_CHARS = 64 * 1024;

/** Bytes of a payload that name an item. */
const MAX_NAME = 1_000;

/** The beginning of a long text, without half a character. */
function nameOf(payload: Buffer): string {
  let end = Math.min(payload.length, MAX_NAME);
  while (end < payload.length && end > MAX_NAME - 4 && (payload[end]! & 0xc0) === 0x80) end--;
  return itemText(payload.subarray(0, end));
}
const size = ({ item, line }: LogLine) => item.length + line.length + 1;

export class LogFeed {
  readonly #channel: string;
  readonly #pod: string;
  #redis?: Redis;
  #lines: LogLine[] = [];
  #chars = 0;
  #timer?: NodeJS.Timeout;
  #hasReaders = false;

  constructor(queue: string, pod: string) {
    this.#channel = logChannel(queue);
    this.#pod = pod;
  }

  /** Begins to publish. */
  start(redis: Redis): void {
    this.#redis = redis;
  }

  add(id: number, payload: Buffer, line: string): void {
    const one = {
      id,
      item: nameOf(payload),
      pod: this.#pod,
      at: Date.now(),
      line: line.slice(0, MAX_CHARS / 2),
    };
    this.#lines.push(one);
    this.#chars += size(one);
    // Cut now and then, not at every line.
    if (this.#chars > 2 * MAX_CHARS) this.#cut();
    this.#timer ??= setTimeout(() => void this.flush(), EVERY_MS).unref();
  }

  /** Sends what waits, if anybody listens. A Redis that is away, or forbids it, costs nobody anything. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0 || !this.#redis) return;
    try {
      if (!this.#hasReaders && (await this.#redis.publish(this.#channel, "")) === 0) return;
      await this.#send();
    } catch {
      this.#hasReaders = false;
    }
  }

  /**
   * Sends what waits ahead of the next call: whoever sees what that changes has heard what came before.
   * @param isLast Also where nobody listens, as far as is known.
   */
  sendAhead(isLast = false): void {
    if (this.#lines.length > 0 && (this.#hasReaders || isLast)) this.#send().catch(() => (this.#hasReaders = false));
  }

  async #send(): Promise<void> {
    const lines = this.#lines;
    [this.#lines, this.#chars] = [[], 0];
    this.#hasReaders = (await this.#redis!.publish(this.#channel, JSON.stringify(lines))) > 0;
  }

  #cut(): void {
    let kept = 0;
    this.#lines.splice(0, this.#lines.findLastIndex((line) => (kept += size(line)) > MAX_CHARS) + 1);
    this.#chars = this.#lines.reduce((sum, line) => sum + size(line), 0);
  }
}
