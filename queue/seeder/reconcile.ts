import { randomUUID } from "node:crypto";
import { MultisetDiff } from "./multisetDiff.ts";
import { ChunkEncoder } from "./chunkEncoder.ts";
import { keys } from "../redis/keys.ts";
import { PageSizer } from "../redis/pageSizer.ts";
import { ExternalItems } from "./externalItems.ts";
import { parseRecord } from "../admin/record.ts";
import { type SeedSession, type SeedState, MAX_CHUNKS_IN_FLIGHT } from "./seedSession.ts";
import type { SeedResult, SeedRun } from "./seedRun.ts";
import { forEachItem } from "./source.ts";
import { WaitingList } from "./waitingList.ts";

/**
 * Brings the batch in line with a list that was edited anywhere: no takes meanwhile. Counts copies: what the source
 * wants, minus what is done, in hand, to be tried again, dead and waiting. What is too many of the last three is
 * dropped, what is missing is added at the end. Cut off anywhere, it is begun again and counts anew.
 */
export async function reconcile(
  link: SeedSession,
  { source, report, alive, options }: SeedRun,
  standing: SeedState,
): Promise<SeedResult> {
  const nonce = randomUUID();
  let steps = 0;
  const next = () => `edit ${nonce} ${++steps}`;
  await link.advance("edit", next());

  const balance = new MultisetDiff(standing.offset);
  const wanted = new ChunkEncoder(0);
  const offset = await forEachItem(source, (item) => {
    if (!wanted.add(item)) {
      wanted.encode();
      wanted.add(item);
      alive();
    }
    balance.expect(item);
  });
  const { digest } = wanted.encode();

  const list = new WaitingList(link, next, alive, await places(link));
  // An edit that was cut off while it went around the list: once around first, so that the order stays.
  if (standing.turn > 0) await list.rotate(Math.min(standing.turn, list.places.length));
  const { dropped, gone } = await reconcileReserved(link, balance, list.places, next, alive);
  report.removed += dropped;
  await list.forEach((payload, pushed) => {
    if (!pushed) balance.observe(payload, true);
  });
  if (balance.surplus > 0) {
    report.removed += balance.surplus;
    await list.rotate(list.places.length, balance);
  }

  const chunks = new ChunkEncoder(MAX_CHUNKS_IN_FLIGHT);
  const push = async () => {
    const chunk = chunks.encode();
    await link.push(chunk, next());
    report.added += chunk.count;
    alive();
  };
  let { missing } = balance;
  if (missing > 0) {
    await forEachItem(source, (item) => {
      if (balance.takeMatched(item)) return undefined;
      missing--;
      if (chunks.add(item)) return undefined;
      return push().then(() => void chunks.add(item));
    });
    if (chunks.count > 0) await push();
    await link.allPushed();
  }
  if (missing !== 0) throw new Error("The items changed while they were read: seed again when they stay as they are.");
  options.onProgress?.(offset);
  return { offset, digest, retired: gone };
}

async function places(link: SeedSession): Promise<ExternalItems> {
  const { redis, queue } = link;
  const { list, batch } = keys(queue);
  const replies = await link.call(() =>
    redis.multi().hmget(batch, "lastId", "knownUpTo", "externalRanges").llen(list).exec(),
  );
  const [[, fields], [, length]] = replies as [[null, (string | null)[]], [null, number]];
  const [id, through, pushed] = fields;
  return new ExternalItems(Number(id ?? 0), length, Number(through ?? 0), pushed ?? "");
}

/**
 * What was taken before. Those that are done or in hand are there for good, also those that are `gone` from the source;
 * of the others, what the source does not want is dropped.
 */
async function reconcileReserved(
  link: SeedSession,
  balance: MultisetDiff,
  known: ExternalItems,
  next: () => string,
  alive: () => void,
): Promise<{ dropped: number; gone: number }> {
  const { redis, queue } = link;
  const { batch, items, results, delayed, suspects, dead } = keys(queue);
  const pager = new PageSizer();
  const read = async (ids: number[]) => {
    const names = ids.map(String);
    const replies = await link.call(() =>
      redis
        .multi()
        .hmgetBuffer(items, ...names)
        .hmgetBuffer(results, ...names)
        .exec(),
    );
    const [open, settled] = replies!.map(([, records]) => records as (Buffer | null)[]);
    alive();
    pager.observe(settled!.map((record, index) => record ?? open![index]!));
    return ids.flatMap((id, index) => {
      const record = settled![index] ?? open![index];
      return record && !known.includes(id) ? [parseRecord(id, record, record === settled![index])] : [];
    });
  };

  const last = Number((await link.call(() => redis.hget(batch, "lastId"))) ?? 0);
  // In hand when it was read: stays, wherever it goes meanwhile.
  const hand = new Set<number>();
  let gone = 0;
  for (let first = 1; first <= last;) {
    const ids = Array.from({ length: Math.min(pager.size, last - first + 1) }, (_, index) => first + index);
    first += ids.length;
    for (const { id, payload, outcome } of await read(ids)) {
      if (outcome === "running") hand.add(id);
      if ((outcome === "running" || outcome === "done") && !balance.observe(payload, false)) gone++;
    }
  }

  let dropped = 0;
  const again = await link.call(() => Promise.all([delayed, suspects, dead].map((key) => redis.zrange(key, 0, "-1"))));
  const ids = again
    .flat()
    .map(Number)
    .filter((id) => !hand.has(id));
  while (ids.length > 0) {
    const records = await read(ids.splice(-pager.size));
    const drop = records.filter(({ payload }) => !balance.observe(payload, false));
    if (drop.length > 0)
      dropped += await link.drop(
        next(),
        drop.map(({ id }) => id),
      );
  }
  return { dropped, gone };
}
