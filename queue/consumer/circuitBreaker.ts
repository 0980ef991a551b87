import type { Redis } from "ioredis";
import { Script } from "../redis/script.ts";
import { firstLine } from "../errorText.ts";

/** Failures in a row, on so many items, after which a worker slows down. */
const FAILURES = 5;
const ITEMS = 5;
/** Where an item from elsewhere in the list succeeded, twice as many may fail the next time, up to this. */
const MAX_FAILURES = 80;
/** The wait before the first item that is tried slowly, ms; doubled each time. */
const MIN_WAIT_MS = 1_000;
const MAX_WAIT_MS = 30_000;
/** Items that are tried slowly before a verdict. */
const PROBES = 3;
/** Items that others must have done meanwhile, for this worker to be the one that is sick. */
const DONE_BY_OTHERS = 10;
/** Where nobody does better, that is looked at again after this long, ms. */
const RECHECK_MS = 1_000;

const script = new Script("circuit-breaker");

/** How fast a worker may go. */
export interface Pace {
  /** Most items in flight. */
  limit: number;
  /** How long to reserve nothing, ms. */
  waitMs: number;
  /** The next item is to come from the other end of the list. */
  probe: boolean;
}

const FREE: Pace = { limit: Infinity, waitMs: 0, probe: false };

/**
 * Counts failures in a row. They may be the items' fault, the handler's, or this worker's alone: until that is known,
 * it tries few items. When everything fails everywhere, the batch ends; when only here, this worker does.
 */
export class CircuitBreaker {
  readonly #mayAbort: boolean;
  #threshold = FAILURES;
  /** Failures in a row, and the first few items they happened to. */
  #failures = 0;
  #items = new Set<number>();
  #startedAt = 0;
  #reason = "";
  /** Since when items are tried slowly, and how many failed since then. */
  #slowSince?: number;
  #probes = 0;
  #lastFailureAt = 0;
  /** How many items were done when first asked in this row. */
  #doneAtFirst?: number;
  /** Nobody does better: there is no reason to be slow. */
  #isEverybody = false;
  #checkedAt = -Infinity;
  #checkedProbes = -1;

  /** @param mayAbort Whether the batch ends when nothing succeeds. */
  constructor(mayAbort: boolean) {
    this.#mayAbort = mayAbort;
  }

  /** An attempt succeeded here: the row is over. */
  onSuccess(): void {
    if (this.#failures === 0) return;
    const wasSlow = this.#slowSince !== undefined;
    this.#threshold = wasSlow ? Math.min(2 * this.#threshold, MAX_FAILURES) : Math.max(this.#threshold / 2, FAILURES);
    this.#failures = 0;
    this.#slowSince = undefined;
  }

  /**
   * An attempt failed here.
   * @param startedAt When it began, ms.
   * @returns Whether this worker slows down from now on.
   */
  onFailure(id: number, reason: string, startedAt: number, now: number): boolean {
    if (this.#failures === 0) this.#startRow(startedAt);
    this.#failures++;
    this.#reason = reason;
    this.#lastFailureAt = now;
    if (this.#items.size < ITEMS) this.#items.add(id);
    if (this.#slowSince !== undefined) {
      if (startedAt >= this.#slowSince) this.#probes++;
      return false;
    }
    if (this.#failures < this.#threshold || this.#items.size < ITEMS) return false;
    this.#slowSince = now;
    return true;
  }

  #startRow(startedAt: number): void {
    this.#items = new Set();
    this.#startedAt = startedAt;
    this.#probes = 0;
    this.#doneAtFirst = undefined;
    this.#isEverybody = false;
    this.#checkedProbes = -1;
  }

  pace(now: number): Pace {
    if (this.#slowSince === undefined || this.#isEverybody) return FREE;
    const wait = Math.min(MAX_WAIT_MS, MIN_WAIT_MS * 2 ** this.#probes);
    return { limit: 1, waitMs: Math.max(0, this.#lastFailureAt + wait - now), probe: true };
  }

  /** Whether it is time to ask Redis how others do. Outcomes from here must be on their way before. */
  isCheckDue(now: number): boolean {
    if (this.#slowSince === undefined) return false;
    return this.#isEverybody ? now - this.#checkedAt > RECHECK_MS : this.#probes > this.#checkedProbes;
  }

  /**
   * Asks how others do.
   * @returns Why this worker is sick: others succeed, and it does not.
   */
  async check(redis: Redis, queue: string, session: string, now: number): Promise<string | undefined> {
    this.#checkedAt = now;
    this.#checkedProbes = this.#probes;
    const [failures, row] = [this.#failures, this.#items];
    const reason = firstLine(this.#reason);
    // Others who began after this worker was found to be no worse than anybody are compared with what it did of late.
    const ms = Math.round(this.#isEverybody ? RECHECK_MS : now - this.#startedAt);
    const mayJudge = this.#probes >= PROBES;
    const mayAbort = this.#mayAbort && mayJudge ? 1 : 0;
    const reply = await script.run(redis, queue, session, ms, failures, reason, mayAbort);
    const [verdict, done, othersAtWork] = reply as ["aborted" | "on", number, number];
    if (verdict === "aborted" || row !== this.#items || this.#failures === 0) return undefined;
    this.#doneAtFirst ??= done;
    const doneByOthers = done - this.#doneAtFirst;
    this.#isEverybody = mayJudge && doneByOthers === 0 && othersAtWork === 0;
    if (!mayJudge || doneByOthers < DONE_BY_OTHERS) return undefined;
    return `the last ${failures} attempts here failed while other workers succeeded; the last one: ${reason}`;
  }
}
