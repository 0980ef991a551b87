import type { Counts } from "../queue/index.ts";

/** Notices when no item has been settled for a while. */
export class StallWatch {
  readonly #afterMs: number;
  #settled = -1;
  #since = 0;
  #said = false;

  constructor(afterMs: number) {
    this.#afterMs = afterMs;
  }

  /** @returns A line, once for each stall. */
  look({ state, done, dead, total, running, now }: Counts): string | undefined {
    const settled = done + dead;
    const wentBack = now < this.#since; // the clock of Redis
    if (settled !== this.#settled || state !== "open" || wentBack) {
      this.#settled = settled;
      this.#since = now;
      this.#said = false;
    }
    if (this.#said || now - this.#since < this.#afterMs) return undefined;
    this.#said = true;
    const minutes = Math.round((now - this.#since) / 60_000);
    const time = minutes > 0 ? `${minutes} min` : `${Math.round((now - this.#since) / 1000)} s`;
    return `no item was done or failed for ${time}: ${settled} of ${total} are over, ${running} running`;
  }
}
