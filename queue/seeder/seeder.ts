import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ChunkEncoder } from "./chunkEncoder.ts";
import { reconcile } from "./reconcile.ts";
import { SeedInterruptedError, SeedSession, type SeedState, MAX_CHUNKS_IN_FLIGHT } from "./seedSession.ts";
import type { SeedResult, SeedRun } from "./seedRun.ts";
import { checkSource, forEachItem } from "./source.ts";
import type { ItemSource, SeedOptions, SeedReport } from "../types.ts";

/** Where and how to seed. */
export interface SeederOptions {
  /** `redis://` or `rediss://`, with its password if it has one. */
  url: string;
  /** Name of the list. */
  queue: string;
  /** How long Redis may be away, or another seeder in the way, before this one gives up, ms. Default: one minute. */
  awayMs?: number;
}

/**
 * Brings the list in line with a source of items (queue/README.md, Seeding). Nothing is kept of the items, so memory
 * does not grow with them, except where the list was edited other than at its end: then 30 to 60 bytes an item. Can be
 * killed at any point and run again: none is repeated, none skipped.
 *
 *     const seeder = new Seeder({ url: "redis://127.0.0.1:6379", queue: "job2" });
 *     await seeder.seed(["apple", "banana"], { owner: "fruit/dev", run: "1", attempt: "job-uid" });
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
   * @throws Error with one line: another owner's batch, an item over 1 MiB, aborted meanwhile, Redis full or away for
   * too long; and whatever the source throws.
   */
  async seed(source: ItemSource, options: SeedOptions): Promise<SeedReport> {
    checkSource(source);
    const { url, queue, awayMs = 60_000 } = this.#options;
    const report: SeedReport = { total: 0, added: 0, removed: 0, requeued: 0, kept: 0 };
    let since = performance.now();
    let wait = 50;
    const alive = () => {
      since = performance.now();
      wait = 50;
    };
    const seeding: SeedRun = { source, options, report, alive };
    for (;;) {
      let link: SeedSession | undefined;
      try {
        link = await SeedSession.open(url, queue);
        return await pass(link, seeding);
      } catch (error) {
        if (!(error instanceof SeedInterruptedError)) throw error;
        if (performance.now() - since > awayMs) {
          const seconds = Math.round(awayMs / 1000);
          throw new Error(
            `The queue ${queue} could not be seeded, no step forward for ${seconds} s: ${error.message}`,
            {
              cause: error,
            },
          );
        }
      } finally {
        link?.close();
      }
      await sleep(wait);
      wait = Math.min(wait * 2, 2000);
    }
  }
}

/** One try: looks how far the batch is, and does what is left. */
async function pass(link: SeedSession, seeding: SeedRun): Promise<SeedReport> {
  const { options, report } = seeding;
  const standing = await link.begin(options, randomUUID());
  const edited = standing.digest.startsWith("edit ");
  const end = edited ? undefined : await append(link, seeding, standing);
  const { offset, digest, retired: gone } = end ?? (await reconcile(link, seeding, standing));

  if (standing.dead > 0) report.requeued += await link.requeue(standing.until);
  [report.total, report.kept] = await link.advance("done", digest, offset, options.seedId, gone);
  // The log is written in order: with its last line on disk all of it is.
  await link.waitAof();
  return report;
}

/**
 * Adds what the source has beyond what is in. Undefined, and nothing changed, if the list must be compared item by
 * item.
 */
async function append(link: SeedSession, seeding: SeedRun, standing: SeedState): Promise<SeedResult | undefined> {
  const { source, options, report } = seeding;
  const chunks = new ChunkEncoder(MAX_CHUNKS_IN_FLIGHT);
  let { digest } = standing;
  let left = standing.offset;
  let same = left === 0;
  let grown = false;
  const grow = async () => {
    grown = true;
    await link.advance("grow", link.digest);
  };
  const progress = (offset: number | undefined) => {
    if (offset === undefined) return;
    report.added += offset - seeding.offset!;
    seeding.offset = offset;
    seeding.alive();
    options.onProgress?.(offset);
  };
  const pack = async () => {
    const chunk = chunks.encode();
    const { count, digest: next } = chunk;
    if (same) {
      if (standing.gone > 0) throw new NotAppendOnlyError();
      if (!grown) await grow();
      digest = next;
      return progress(await link.push(chunk, next));
    }
    left -= count;
    if (left > 0) return;
    if (next !== standing.digest) throw new NotAppendOnlyError();
    same = true;
  };

  if (seeding.offset === undefined) seeding.offset = standing.offset;
  else progress(standing.offset);
  try {
    await forEachItem(source, (item) => {
      // Cut exactly where the last seeding ended, to compare the digests there.
      const full = (!same && chunks.count === left) || !chunks.add(item);
      return full ? pack().then(() => void chunks.add(item)) : undefined;
    });
    if (chunks.count > 0) await pack();
    if (!same) throw new NotAppendOnlyError();
  } catch (error) {
    if (error instanceof NotAppendOnlyError) return undefined;
    throw error;
  }
  progress(await link.allPushed());
  const reopened = !standing.seeded || standing.state === "aborted" || standing.dead > 0;
  if (reopened && !grown) await grow();
  return { offset: seeding.offset, digest, retired: standing.gone };
}

/** What is in is not the beginning of the source, or what is added may be done already. */
class NotAppendOnlyError extends Error {}
