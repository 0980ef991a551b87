import { randomUUID } from "node:crypto";
import type { ItemSource } from "../../types.ts";
import { RedisFullError, SeedInterruptedError } from "../seedErrors.ts";
import type { PassResult, Seeding } from "../seeding.ts";
import type { SeedSession } from "../seedSession.ts";
import { MultisetDiff } from "./multisetDiff.ts";
import { NewList } from "./newList.ts";
import { TakenItems } from "./takenItems.ts";
import { WaitingList } from "./waitingList.ts";

/**
 * Brings the batch in line with a list that was edited anywhere. Nothing is reserved meanwhile: `state` is `seeding`.
 * An item of the source is either one that was taken before, or waits; the waiting list is built anew in the order of
 * the source, beside the old one, and put in its place. An edit that is cut off is begun again. If it is refused before
 * the old list is replaced, everything is as before.
 */
export async function reconcile(session: SeedSession, seeding: Seeding): Promise<PassResult> {
  const { report, onStep, options } = seeding;
  const nonce = randomUUID();
  let steps = 0;
  const nextDigest = () => `edit ${nonce} ${++steps}`;
  const digestBefore = session.digest;
  const before = (await session.advance("edit", nextDigest())) as string[];

  let replaced = false;
  const replace = async (source: ItemSource, change: MultisetDiff) => {
    const old = await WaitingList.open(session, onStep);
    const taken = await TakenItems.read(session, old.external, onStep);
    const made = await new NewList(session, nextDigest, onStep).replace({ source, taken, old, change });
    replaced = true;
    return { ...made, taken };
  };
  const replaceAll = async () => {
    try {
      const change = new MultisetDiff();
      return { change, ...(await replace(seeding.source, change)) };
    } catch (error) {
      if (!(error instanceof RedisFullError)) throw error;
    }
    // There is no room for two lists, so the old one is emptied first, except for external items.
    await session.advance("edit", nextDigest());
    const change = new MultisetDiff();
    await replace([], change);
    return { change, ...(await replace(seeding.source, change)) };
  };

  try {
    const { offset, digest, taken, change } = await replaceAll();
    report.added += change.missing;
    report.removed += change.surplus + (await taken.dropUnmatched(session, nextDigest));
    options.onProgress?.(offset);
    return { offset, digest, retired: taken.settled.missing };
  } catch (error) {
    if (!replaced && !(error instanceof SeedInterruptedError)) {
      // If this fails, the batch waits for the next seeding, which begins the edit again.
      await session.advance("undo", digestBefore, ...before).catch(() => {});
    }
    throw error;
  }
}
