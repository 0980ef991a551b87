import type { Redis } from "ioredis";
import { keys } from "../redis/keys.ts";
import type { ItemSource, SeedOptions } from "../types.ts";
import { ChunkEncoder } from "./chunkEncoder.ts";
import { MultisetDiff } from "./edit/multisetDiff.ts";
import { TakenItems } from "./edit/takenItems.ts";
import { WaitingList } from "./edit/waitingList.ts";
import type { QueueReader } from "./seedSession.ts";
import { forEachItem } from "./source.ts";

/** Changes that a seeding would make, in the words of its report. */
export interface SeedingPreview {
  added: number;
  removed: number;
  /** Dead items that would be put back. */
  requeued: number;
  /** Items that are done and stay so. */
  kept: number;
}

/** State of the batch. */
interface Standing {
  offset: number;
  digest: string;
  retired: number;
  dead: number;
  done: number;
}

/** Most items that are looked at: more would take too long. */
const MAX_ITEMS = 100_000;

/**
 * The report that a seeding by a new seed Job would give now. Changes nothing.
 * @param redis A connection, as `connect` makes it.
 * @param source As for the seeder.
 * @returns Undefined if it would be refused, or there are too many items to look at.
 */
export async function previewSeeding(
  redis: Redis,
  queue: string,
  source: ItemSource,
  options: Pick<SeedOptions, "owner" | "run">,
): Promise<SeedingPreview | undefined> {
  const reader: QueueReader = { redis, queue, call: (use) => use() };
  const standing = await standingOf(reader, options);
  if (!standing) return undefined;
  const { offset, done, dead } = standing;
  try {
    const count = await appendedCount(source, standing);
    if (count !== undefined) return { added: count - offset, removed: 0, requeued: dead, kept: done };
  } catch (error) {
    if (error instanceof TooManyItemsError) return undefined;
    throw error;
  }
  return { ...(await edited(reader, source, dead)), kept: done };
}

/** @returns Undefined if a seeding would be refused, or the queue is too long. */
async function standingOf(
  { redis, queue }: QueueReader,
  { owner, run }: Pick<SeedOptions, "owner" | "run">,
): Promise<Standing | undefined> {
  const { batch, list, results, dead } = keys(queue);
  const fields = ["schema", "owner", "run", "offset", "digest", "retired", "lastId"];
  const ask = redis.multi().hmget(batch, ...fields);
  const replies = (await ask.llen(list).hlen(results).zcard(dead).exec())!.map(([error, reply]) => {
    if (error) throw error;
    return reply;
  });
  const [values, waiting, settled, died] = replies as [(string | null)[], number, number, number];
  const [schema, ownerBefore, runBefore, offset, digest, retired, lastId] = values;
  if (schema && schema !== "1") return undefined;
  if (owner !== "" && ownerBefore && ownerBefore !== owner) return undefined;
  // A new run starts over.
  if (runBefore && runBefore !== run) return { offset: 0, digest: "", retired: 0, dead: 0, done: 0 };
  if (Number(lastId) + waiting > MAX_ITEMS) return undefined;
  return {
    offset: Number(offset),
    digest: digest ?? "",
    retired: Number(retired),
    dead: died,
    done: settled - died,
  };
}

class TooManyItemsError extends Error {}

/** Number of items of the source; undefined if the seeder could not just append them (append.ts). */
async function appendedCount(source: ItemSource, { offset, digest, retired }: Standing): Promise<number | undefined> {
  const chunks = new ChunkEncoder("", 0);
  let count = 0;
  let begins = offset === 0;
  const compare = () => {
    if (count === offset && count > 0) begins = chunks.encode().digest === digest;
  };
  await forEachItem(source, (item, start, end) => {
    compare();
    if (++count > MAX_ITEMS) throw new TooManyItemsError();
    if (chunks.add(item, start, end)) return;
    chunks.encode();
    chunks.add(item, start, end);
  });
  compare();
  const isEditing = digest.startsWith("edit ");
  return !isEditing && begins && (retired === 0 || count === offset) ? count : undefined;
}

/** The seeder's counts, if it compared item by item (edit/reconcile.ts). */
async function edited(reader: QueueReader, source: ItemSource, dead: number): Promise<Omit<SeedingPreview, "kept">> {
  const ignore = () => {};
  const waiting = await WaitingList.open(reader, ignore);
  const taken = await TakenItems.read(reader, waiting.external, ignore);
  const change = new MultisetDiff();
  await forEachItem(source, (block, start, end) => {
    const item = typeof block === "string" ? block : block.subarray(start, end);
    if (!taken.match(item)) change.add(item);
  });
  for await (const page of waiting.pages(waiting.external.ownWaiting)) for (const item of page) change.subtract(item);
  const dropped = taken.unsettled.missing;
  let droppedDead = 0;
  await taken.takeUnmatched("dead", (ids) => void (droppedDead += ids.length));
  return { added: change.missing, removed: change.surplus + dropped, requeued: dead - droppedDead };
}
