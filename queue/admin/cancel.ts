import type { Redis } from "ioredis";
import { keys } from "../redis/keys.ts";
import { Script } from "../redis/script.ts";
import { readRecords } from "../redis/recordReader.ts";

/** Waiting items read at a time, and the bytes after which a page ends: a script blocks Redis while it runs. */
const PAGE = 1_000;
const PAGE_BYTES = 512 * 1024;

const cancelScript = new Script("cancel");
const listScript = new Script("read/list");

/** The items that are meant, by their bytes; or the ids of some that were taken before. */
export type Which = ((payload: Buffer) => boolean) | number[];

/**
 * Gives up for good what is not done. Waiting items come first: an item that leaves the list meanwhile is then among
 * the taken ones.
 * @param reason On record with each item.
 * @returns How many it gave up.
 */
export async function cancelItems(redis: Redis, queue: string, which: Which, reason: string): Promise<number> {
  const why = JSON.stringify(reason);
  if (typeof which !== "function") return Number(await cancelScript.run(redis, queue, why, "items", ...which));
  let count = 0;
  for (let isSure = false; !isSure;) {
    const waiting = await cancelWaiting(redis, queue, which, why);
    count += waiting.count;
    isSure = waiting.count === waiting.found;
  }
  const ids = (await redis.hkeys(keys(queue).items)).map(Number).sort((a, b) => a - b);
  for await (const page of readRecords(redis, queue, ids)) {
    const meant = page.filter(({ bytes, isSettled }) => !isSettled && which(payloadOf(bytes)));
    if (meant.length === 0) continue;
    count += Number(await cancelScript.run(redis, queue, why, "items", ...meant.map(({ id }) => id)));
  }
  return count;
}

/** Goes from the end of the list to its head. Workers take from the head meanwhile, which moves no item behind it. */
async function cancelWaiting(
  redis: Redis,
  queue: string,
  which: (payload: Buffer) => boolean,
  why: string,
): Promise<{ found: number; count: number }> {
  const { list, batch } = keys(queue);
  const [[, lastId], [, length]] = (await redis.multi().hget(batch, "lastId").llen(list).exec()) as [
    [null, string | null],
    [null, number],
  ];
  const total = Number(lastId ?? 0) + length;
  let [found, count] = [0, 0];
  for (let end = -1, left = length, size = PAGE; left > 0;) {
    const asked = Math.min(size, left);
    const first = end - asked + 1;
    const page = (await listScript.runForBytes(redis, queue, first, end, PAGE_BYTES)) as Buffer[];
    if (page.length === 0) break;
    if (page.length < asked) {
      // The page reached its limit of bytes, and lacks its end, from which this goes. So a smaller one follows.
      size = page.length;
      continue;
    }
    const meant = page.flatMap((payload, at) => (which(payload) ? [total + first + at + 1, payload] : []));
    const some = meant.length > 0 ? Number(await cancelScript.run(redis, queue, why, "list", ...meant)) : 0;
    [found, count] = [found + meant.length / 2, count + some];
    left -= asked;
    end = first - 1 + some;
  }
  return { found, count };
}

function payloadOf(record: Buffer): Buffer {
  const head = record[0] === 10 ? 0 : record.indexOf("\n\n") + 1;
  return record.subarray(head + 1);
}
