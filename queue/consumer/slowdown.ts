import { firstLine } from "../errorText.ts";
import type { FailureReport, Judgement, Progress } from "../redis/callContent.ts";

/** Failures in a row, on so many items, after which a worker slows down. */
const FAILURES = 5;
const ITEMS = 5;
/** After each slow time that ended with a success, twice as many may fail the next time, up to this. */
const MAX_FAILURES = 80;
/** The wait before the first item that is tried slowly, ms; longer by this factor each time. */
const MIN_WAIT_MS = 200;
const GROWTH = 1.4;
const MAX_WAIT_MS = 30_000;

/** Speed limit of a worker. */
export interface Pace {
  /** Most items in flight. */
  limit: number;
  /** Time in which to reserve nothing, ms. */
  waitMs: number;
}

/**
 * Slows a worker down when its items fail one after the other. The fault may be the items', the handler's, or this
 * worker's alone. Redis judges that, since it sees all workers.
 */
export class Slowdown {
  readonly #loadMs: number;
  #threshold = FAILURES;
  /** Failures in a row, and the first few items they happened to. */
  #failures = 0;
  #items = new Set<number>();
  #startedAt = 0;
  #longestMs = 0;
  #reason = "";
  #lastFailureAt = 0;
  #isSlow = false;
  #tries = 0;
  #samples = 0;
  #reported = 0;
  /** The progress of the batch when this was first reported. */
  #before: Progress | undefined;
  #isFree = false;
  /** Redis was told that this worker is slow. */
  #isReported = false;

  /** @param loadMs Time in which this worker was made ready, ms. */
  constructor(loadMs = 0) {
    this.#loadMs = loadMs;
  }

  /** An attempt succeeded here: the row is over. */
  onSuccess(): void {
    if (this.#isSlow) this.#threshold = Math.min(2 * this.#threshold, MAX_FAILURES);
    this.#isSlow = this.#isFree = false;
    this.#failures = 0;
  }

  /**
   * An attempt failed here.
   * @param startedAt When it began, ms.
   * @param isSample It came from anywhere in the list.
   * @returns Whether this worker slows down from now on.
   */
  onFailure(id: number, reason: string, startedAt: number, isSample: boolean, now: number): boolean {
    if (this.#failures === 0) {
      this.#items = new Set();
      this.#startedAt = startedAt;
      this.#longestMs = this.#tries = this.#samples = this.#reported = 0;
      this.#before = undefined;
    }
    this.#failures++;
    if (this.#items.size < ITEMS) this.#items.add(id);
    this.#longestMs = Math.max(this.#longestMs, now - startedAt);
    this.#reason = reason;
    this.#lastFailureAt = now;
    if (this.#isSlow) {
      this.#tries++;
      if (isSample) this.#samples++;
      return false;
    }
    this.#isSlow = this.#failures >= this.#threshold && this.#items.size >= ITEMS;
    return this.#isSlow;
  }

  pace(now: number): Pace {
    if (!this.#isSlow || this.#isFree) return { limit: Infinity, waitMs: 0 };
    const wait = Math.min(MAX_WAIT_MS, MIN_WAIT_MS * GROWTH ** this.#tries);
    return { limit: 1, waitMs: Math.max(0, this.#lastFailureAt + wait - now) };
  }

  /** The report for the next call: its items fail, or no longer do. */
  report(now: number): { failing?: FailureReport; recovered?: boolean } {
    const wasReported = this.#isReported;
    this.#isReported = this.#isSlow;
    if (!this.#isSlow) return wasReported ? { recovered: true } : {};
    const newSamples = this.#samples - this.#reported;
    this.#reported = this.#samples;
    const failing: FailureReport = {
      failures: this.#failures,
      forMs: Math.max(0, Math.round(now - this.#startedAt - this.#loadMs)),
      longestMs: Math.ceil(this.#longestMs),
      reason: firstLine(this.#reason),
      tries: this.#tries,
      samples: this.#samples,
      newSamples,
      doneBefore: this.#before?.done,
      failedBefore: this.#before?.failed,
    };
    return { failing };
  }

  /**
   * A call with such a report was answered.
   * @param progress What the batch has done by now.
   * @returns Why this worker is sick, if it is.
   */
  onJudgement(judgement: Judgement, progress: Progress): string | undefined {
    if (!this.#isSlow) return undefined;
    this.#before ??= progress;
    this.#isFree = judgement === "free";
    if (judgement !== "sick") return undefined;
    const reason = firstLine(this.#reason);
    return `the last ${this.#failures} attempts here failed while other workers succeeded; the last one: ${reason}`;
  }
}
