import type { Counts } from "../queue/index.ts";

/** Time that workers were there, and time that they had nothing in flight, ms. */
export interface WorkerTime {
  aliveMs: number;
  idleMs: number;
}

/** Longest time between two looks that counts, ms. What happened in a longer one is unknown. */
const MAX_GAP_MS = 5_000;

/** Measures how much of the workers' time is idle, from one look at the counts to the next. */
export class IdleMeter {
  readonly #concurrency: number;
  #last: number | undefined;

  /** @param concurrency Most items that a worker has in flight. */
  constructor(concurrency: number) {
    this.#concurrency = concurrency;
  }

  /** The time since the last look; undefined if it does not count. */
  look({ now, running, workersAlive }: Counts): WorkerTime | undefined {
    const ms = now - (this.#last ?? now);
    this.#last = now;
    if (ms <= 0 || ms > MAX_GAP_MS || workersAlive === 0) return undefined;
    const idle = Math.max(0, workersAlive - Math.ceil(running / this.#concurrency));
    return { aliveMs: ms * workersAlive, idleMs: ms * idle };
  }
}
