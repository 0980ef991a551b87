import type { Redis } from "ioredis";
import { Script } from "../redis/script.ts";
import { firstLine } from "../errorText.ts";

/** So many attempts in a row that failed, on so many items, make a worker ask what is wrong. */
const ATTEMPTS = 10;
const ITEMS = 5;

const script = new Script("circuit-breaker");

/**
 * Counts failures in a row. When everything fails everywhere, the batch should end; when only here, this worker should.
 */
export class CircuitBreaker {
  #count = 0;
  /** The items it happened to, the first few. */
  #items = new Set<number>();
  #since = 0;
  /** Why the last one failed. */
  #reason = "";
  #countAtLastCheck = 0;
  /** How many items were done when it asked for the first time in this row. */
  #doneAtFirstCheck?: number;

  /** An attempt succeeded here: the row is over. */
  onSuccess(): void {
    this.#count = 0;
  }

  /** An attempt failed here. */
  onFailure(id: number, reason: string): void {
    if (this.#count === 0) {
      this.#items = new Set();
      this.#since = performance.now();
      this.#countAtLastCheck = 0;
      this.#doneAtFirstCheck = undefined;
    }
    this.#count++;
    this.#reason = reason;
    if (this.#items.size < ITEMS) this.#items.add(id);
  }

  /** Whether it is time to ask: every so many failures. What was settled here before must be on its way to Redis. */
  get isDue(): boolean {
    return this.#count - this.#countAtLastCheck >= ATTEMPTS && this.#items.size >= ITEMS;
  }

  /**
   * Asks.
   * @returns Why this worker is sick: others succeeded, as often as it failed since it asked for the first time.
   */
  async check(redis: Redis, queue: string): Promise<string | undefined> {
    const count = (this.#countAtLastCheck = this.#count);
    const row = this.#items;
    const reason = firstLine(this.#reason);
    const lasts = Math.round(performance.now() - this.#since);
    const [verdict, done] = (await script.run(redis, queue, lasts, reason, count)) as ["aborted" | "on", number];
    if (verdict === "aborted" || row !== this.#items || this.#count === 0) return undefined;
    this.#doneAtFirstCheck ??= done;
    if (done - this.#doneAtFirstCheck < ATTEMPTS) return undefined;
    return `the last ${count} attempts here failed while other workers succeeded; the last one: ${reason}`;
  }
}
