import type { Redis } from "ioredis";
import { Script } from "./script.ts";

/** So many attempts in a row that failed, on so many items, make a worker ask what is wrong. */
const ATTEMPTS = 10;
const ITEMS = 5;

const script = new Script("sick");

/** Counts failures in a row. Either everything fails everywhere, and the batch should end, or only here, and this worker should. */
export class SickLeave {
  #row: number[] = [];
  #since = 0;

  succeeded(): void {
    if (this.#row.length > 0) this.#row = [];
  }

  /** Notes a failure; answers the row when it is time to ask, every {@link ATTEMPTS} failures. */
  failed(id: number): { count: number; since: number } | undefined {
    if (this.#row.length === 0) this.#since = performance.now();
    this.#row.push(id);
    const count = this.#row.length;
    if (count % ATTEMPTS !== 0 || new Set(this.#row).size < ITEMS) return undefined;
    return { count, since: this.#since };
  }

  /** `sick`: others succeed meanwhile. `aborted`: nobody ever did, the batch is over. `on`: neither. */
  async ask(
    redis: Redis,
    queue: string,
    { count, since }: { count: number; since: number },
    reason: string,
  ): Promise<"sick" | "aborted" | "on"> {
    const [seconds, micros] = await redis.time();
    const now = Number(seconds) * 1000 + Number(micros) / 1000;
    const from = Math.round(now - (performance.now() - since));
    return (await script.run(redis, queue, from, reason, count)) as "sick" | "aborted" | "on";
  }
}
