/** Interval until Redis sets one, ms. */
const FIRST_INTERVAL_MS = 1_000;
/** A worker that makes no calls for items sends a heartbeat by itself when one is overdue by this factor. */
const OVERDUE = 1.25;

/**
 * A worker's report, when it is due, and its last content that Redis knows. Redis sets the interval, since that depends
 * on the number of workers.
 */
export class Heartbeat {
  readonly #content: () => string;
  #dueAt = -Infinity;
  #intervalMs = FIRST_INTERVAL_MS;
  #known?: string;

  /** @param content What is reported, JSON. */
  constructor(content: () => string) {
    this.#content = content;
  }

  /** The report for a call: nothing when it is not due, an empty text if nothing changed. */
  next(now: number): string | undefined {
    if (now < this.#dueAt) return undefined;
    this.#dueAt = now + this.#intervalMs; // one call takes it along
    const content = this.#content();
    return content === this.#known ? "" : content;
  }

  isOverdue(now: number): boolean {
    return now > this.#dueAt + this.#intervalMs * (OVERDUE - 1);
  }

  /**
   * A call was answered.
   * @param sent What {@link next} gave for it.
   * @param intervalMs Wait until the next report, as Redis says; 0: Redis wants the same report with the next call.
   */
  onReply(sent: string | undefined, intervalMs: number, now: number): void {
    if (sent === undefined) return;
    if (intervalMs === 0) this.#dueAt = now;
    else {
      this.#intervalMs = intervalMs;
      this.#dueAt = now + intervalMs;
      if (sent !== "") this.#known = sent;
    }
  }

  /** Redis is to be told everything again. */
  reset(): void {
    this.#known = undefined;
    this.#dueAt = -Infinity;
  }
}
