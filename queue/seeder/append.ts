import { keys } from "../redis/keys.ts";
import { ChunkEncoder } from "./chunkEncoder.ts";
import { ChunkPipeline, MAX_CHUNKS_IN_FLIGHT } from "./chunkPipeline.ts";
import type { PassResult, Seeding } from "./seeding.ts";
import type { SeedSession, SeedState } from "./seedSession.ts";
import { forEachItem } from "./source.ts";

/**
 * Adds the items of the source that come after the seeded ones. Returns undefined, with nothing changed, if the
 * seeded items are not the beginning of the source: then both must be compared item by item.
 */
export async function append(
  session: SeedSession,
  seeding: Seeding,
  state: SeedState,
): Promise<PassResult | undefined> {
  const { source, options, report } = seeding;
  const chunks = new ChunkEncoder(keys(session.queue).list, MAX_CHUNKS_IN_FLIGHT);
  const pipeline = new ChunkPipeline(session, "list");
  let { digest } = state;
  /** Seeded items that were not compared yet. */
  let left = state.offset;
  let same = left === 0;
  let growing = false;
  const grow = async () => {
    growing = true;
    await session.advance("grow", session.digest);
  };
  const progress = (offset: number | undefined) => {
    if (offset === undefined) return;
    report.added += offset - seeding.offset!;
    seeding.offset = offset;
    seeding.onStep();
    options.onProgress?.(offset);
  };
  const finishChunk = async () => {
    const chunk = chunks.encode();
    if (same) {
      // An added item may be done already.
      if (state.retired > 0) throw new NotAppendOnlyError();
      if (!growing) await grow();
      digest = chunk.digest;
      return progress(await pipeline.push(chunk, digest));
    }
    left -= chunk.count;
    if (left > 0) return;
    if (chunk.digest !== state.digest) throw new NotAppendOnlyError();
    same = true;
  };

  if (seeding.offset === undefined) seeding.offset = state.offset;
  else progress(state.offset);
  try {
    await forEachItem(source, (item, start, end) => {
      // Cut exactly where the last seeding ended, to compare the digests there.
      const full = (!same && chunks.count === left) || !chunks.add(item, start, end);
      return full ? finishChunk().then(() => void chunks.add(item, start, end)) : undefined;
    });
    if (chunks.count > 0) await finishChunk();
    if (!same) throw new NotAppendOnlyError();
  } catch (error) {
    if (error instanceof NotAppendOnlyError) return undefined;
    throw error;
  }
  progress(await pipeline.flush());
  const reopened = !state.seeded || state.state === "aborted" || state.dead > 0;
  if (reopened && !growing) await grow();
  return { offset: seeding.offset, digest, retired: state.retired };
}

/** The seeded items are not the beginning of the source, or an added one may be done already. */
class NotAppendOnlyError extends Error {}
