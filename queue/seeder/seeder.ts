import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { ItemSource, SeedOptions, SeedReport } from "../types.ts";
import { append } from "./append.ts";
import { checkRoom } from "./checkRoom.ts";
import { reconcile } from "./edit/reconcile.ts";
import { SeedInterruptedError, SeedOvertakenError } from "./seedErrors.ts";
import type { Seeding } from "./seeding.ts";
import { SeedSession } from "./seedSession.ts";
import { checkSource } from "./source.ts";

/** Options of a seeding. */
export interface SeederOptions {
  /** `redis://` or `rediss://`, with its password if it has one. */
  url: string;
  /** Name of the list. */
  queue: string;
  /** Time after which this seeder gives up, while Redis is away or another seeder is at work, ms. @default 60000 */
  maxDowntimeMs?: number;
}

/** Wait after an interruption, doubled each time up to the longest, ms. */
const MIN_WAIT_MS = 50;
const MAX_WAIT_MS = 2_000;
/** Longest wait for another seeder, ms. */
const MAX_YIELD_MS = 20_000;

/**
 * Brings the list in line with a source of items (docs/queue/seeding.md). Nothing is kept of the items, except if
 * the list was edited other than at its end. Can be killed at any point and run again: none is repeated, none skipped.
 *
 *     const seeder = new Seeder({ url: "redis://127.0.0.1:6379", queue: "job2" });
 *     await seeder.seed(["apple", "banana"], { owner: "fruit/dev", run: "1", seedId: "job-uid" });
 */
export class Seeder {
  readonly #options: SeederOptions;

  constructor(options: SeederOptions) {
    this.#options = options;
  }

  /**
   * @param source Something that can be iterated more than once, always over the same items: an array, or an object
   * whose (async) iterator starts anew.
   * @returns What was changed. A part of it that an earlier, killed seeding did is not counted again.
   * @throws Error with one line: another owner's batch, an item over 1 MiB, more than Redis has room for, aborted
   * meanwhile, Redis away for too long; and whatever the source throws.
   */
  async seed(source: ItemSource, options: SeedOptions): Promise<SeedReport> {
    checkSource(source);
    const { url, queue, maxDowntimeMs = 60_000 } = this.#options;
    let lastStep = performance.now();
    let wait = MIN_WAIT_MS;
    const seeding: Seeding = {
      source,
      options,
      report: { total: 0, added: 0, removed: 0, requeued: 0, kept: 0 },
      onStep: () => {
        lastStep = performance.now();
        wait = MIN_WAIT_MS;
      },
    };
    let overtaken = 0;
    for (;;) {
      const started = performance.now();
      let session: SeedSession | undefined;
      try {
        session = await SeedSession.open(url, queue);
        return await pass(session, seeding);
      } catch (error) {
        if (!(error instanceof SeedInterruptedError)) throw error;
        if (performance.now() - lastStep > maxDowntimeMs) {
          const seconds = Math.round(maxDowntimeMs / 1000);
          const message = `The queue ${queue} could not be seeded, with no progress for ${seconds} s: ${error.message}`;
          throw new Error(message, { cause: error });
        }
        if (error instanceof SeedOvertakenError) wait += yieldMs(performance.now() - started, ++overtaken);
      } finally {
        session?.close();
      }
      await sleep(wait);
      wait = Math.min(wait * 2, MAX_WAIT_MS);
    }
  }
}

/**
 * Wait for another seeder, ms: two that edit would cut each other off for ever, so one of them must let the other
 * finish.
 * @param passMs How long the pass took that was overtaken.
 * @param times How often that happened.
 */
function yieldMs(passMs: number, times: number): number {
  return Math.min(MAX_YIELD_MS, Math.random() * passMs * 2 ** times);
}

/** One try: looks how far the batch is, and does what is left. */
async function pass(session: SeedSession, seeding: Seeding): Promise<SeedReport> {
  const { options, report } = seeding;
  if (!seeding.roomChecked) await checkRoom(session, seeding.source, options);
  seeding.roomChecked = true;
  const state = await session.begin(options, randomUUID());
  const editing = state.digest.startsWith("edit ");
  const appended = editing ? undefined : await append(session, seeding, state);
  const { offset, digest, retired } = appended ?? (await reconcile(session, seeding));

  if (state.dead > 0) report.requeued += await session.requeue(state.diedUntil);
  [report.total, report.kept] = (await session.advance("done", digest, offset, options.seedId, retired)) as [
    number,
    number,
  ];
  // The log is written in order: with its last line on disk all of it is.
  await session.waitAof((reason) =>
    options.onWarning?.(
      `Redis does not say when the items are on its disk (${reason}): if its host fails, the last second may be lost.`,
    ),
  );
  return report;
}
