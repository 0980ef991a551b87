import { keyList, keys } from "../redis/keys.ts";
import type { ItemSource, SeedOptions } from "../types.ts";
import { ListMemory, mostListMemory } from "./listMemory.ts";
import { SeedInterruptedError, SeedRefusedError } from "./seedErrors.ts";
import type { SeedSession } from "./seedSession.ts";
import { forEachItem } from "./source.ts";

/** Elements of a key that Redis looks at to tell its size. */
const SAMPLES = 1000;

/**
 * Refuses a Redis that evicts, and items that do not fit into its memory, before anything is changed. Reads the source
 * only if it may be too large; a stream of unknown size is not read for this. A Redis that hides its memory is not
 * checked.
 */
export async function checkRoom(session: SeedSession, source: ItemSource, options: SeedOptions): Promise<void> {
  const batch = await allowed(session, () => lookAt(session, options));
  if (!batch) return;
  const { room, taken, policy } = batch;
  if (policy !== "noeviction")
    throw new SeedRefusedError(
      `Redis deletes keys when it is full (maxmemory-policy ${policy}), and items with them: set it to noeviction; nothing was changed.`,
    );
  if (room === Infinity) return;
  const { maxBytes } = source;
  if (maxBytes === undefined ? Symbol.asyncIterator in source : mostListMemory(maxBytes) <= room) return;

  const memory = new ListMemory();
  await forEachItem(source, (item, start, end) => memory.add(item, start, end));
  // Items that were taken before do not wait again.
  const needed = memory.bytes * Math.max(0, 1 - taken / memory.items);
  if (!(needed > room)) return;
  const count = memory.items.toLocaleString("en-US");
  throw new SeedRefusedError(
    `These ${count} items need about ${mebibytes(needed)} and Redis has room for ${mebibytes(room)} (maxmemory): raise \`redisMemory\`; nothing was changed.`,
  );
}

/** Redis's behaviour when it is full, room for the list in bytes, and the number of items that were taken. */
async function lookAt(
  { redis, queue }: SeedSession,
  { owner, run }: SeedOptions,
): Promise<{ policy: string; room: number; taken: number }> {
  const info = await redis.info("memory");
  const [, policy = "noeviction"] = /^maxmemory_policy:(\S+)/m.exec(info) ?? [];
  const field = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, "m").exec(info)?.[1] ?? 0);
  const limit = field("maxmemory");
  const unlimited = { policy, room: Infinity, taken: 0 };
  if (limit === 0) return unlimited;
  const [owned, seeded, lastId] = await redis.hmget(keys(queue).batch, "owner", "run", "lastId");
  // A batch of another owner is refused later, for that reason.
  if (owner !== "" && owned && owned !== owner) return unlimited;
  // A new run frees all keys, any other seeding at most the waiting list.
  const startsOver = seeded !== null && seeded !== run;
  let room = limit - field("used_memory");
  for (const key of startsOver ? keyList(queue) : [keys(queue).list]) {
    room += (await redis.memory("USAGE", key, "SAMPLES", SAMPLES)) ?? 0;
  }
  return { policy, room, taken: startsOver ? 0 : Number(lastId ?? 0) };
}

/** The answer of Redis, or undefined if the user may not ask. */
async function allowed<T>(session: SeedSession, ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await session.call(ask);
  } catch (error) {
    if (error instanceof SeedInterruptedError) throw error;
    return undefined;
  }
}

function mebibytes(bytes: number): string {
  return `${Math.max(0, Math.round(bytes / 2 ** 20)).toLocaleString("en-US")} MiB`;
}
