/** Share of the time that may go into one kind of reading. */
const SHARE = 0.02;

/** Runs something at a limited rate, and so seldom that it takes only a small share of the time. */
export class Paced {
  readonly #everyMs: number;
  readonly #atMostMs: number;
  #next = 0;
  #isRunning = false;

  /** @param everyMs Shortest interval. @param atMostMs Longest interval, however long one run takes. */
  constructor(everyMs: number, atMostMs: number) {
    this.#everyMs = everyMs;
    this.#atMostMs = atMostMs;
  }

  /** Runs it if it is due and not running. After a failure it is due at once. */
  async run(act: () => Promise<void>): Promise<void> {
    const start = performance.now();
    if (this.#isRunning || start < this.#next) return;
    this.#isRunning = true;
    try {
      await act();
    } finally {
      this.#isRunning = false;
    }
    const took = performance.now() - start;
    this.#next = start + Math.min(this.#atMostMs, Math.max(this.#everyMs, took / SHARE)) - 50;
  }
}
