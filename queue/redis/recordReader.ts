import type { Redis } from "ioredis";
import { pack } from "./messagePack.ts";
import { Script } from "./script.ts";

/** Most ids in one call, and the bytes of records after which a call ends: a script blocks Redis while it runs. */
const MAX_IDS = 2_000;
const MAX_BYTES = 512 * 1024;

const script = new Script("read/records");

/** A record as it lies in `items` or `results`. */
export interface StoredRecord {
  id: number;
  bytes: Buffer;
  /** It lies in `results`. */
  isSettled: boolean;
}

/** Options of {@link readRecords}. */
export interface ReadOptions {
  /** Bytes of each payload that are needed. Default: all. */
  maxPayload?: number;
  /** Runs each call to Redis. */
  call?: <T>(act: () => Promise<T>) => Promise<T>;
}

/**
 * Reads records page by page, in the order of their ids. A page of long records has few of them, also after a page of
 * short ones.
 */
export async function* readRecords(
  redis: Redis,
  queue: string,
  ids: Iterable<number>,
  { maxPayload, call = (act) => act() }: ReadOptions = {},
): AsyncGenerator<StoredRecord[]> {
  const rest = ids[Symbol.iterator]();
  let page: number[] = [];
  for (;;) {
    while (page.length < MAX_IDS) {
      const next = rest.next();
      if (next.done === true) break;
      page.push(next.value);
    }
    if (page.length === 0) return;
    const request = pack({ ids: page.map(String), maxBytes: MAX_BYTES, maxPayload });
    const reply = (await call(() => script.runRequest(redis, queue, request))) as (number | Buffer | null)[];
    const records: StoredRecord[] = [];
    for (let index = 0; index < reply.length / 2; index++) {
      const [isSettled, bytes] = reply.slice(2 * index, 2 * index + 2) as [number, Buffer | null];
      if (bytes) records.push({ id: page[index]!, bytes, isSettled: isSettled === 1 });
    }
    page = page.slice(reply.length / 2);
    yield records;
  }
}

/** All ids after `after`, up to the last one: ids are given in order. */
export function* idsUpTo(last: number, after = 0): Iterable<number> {
  for (let id = after + 1; id <= last; id++) yield id;
}
