import { randomUUID } from "node:crypto";
import { Balance } from "./multisetDiff.ts";
import { Chunks } from "./chunkEncoder.ts";
import { keys } from "../redis/keys.ts";
import { Pager } from "../redis/pageSizer.ts";
import { Places } from "./externalItems.ts";
import { parseRecord } from "../admin/record.ts";
import { type SeedLink, type Standing, UNDER_WAY } from "./seedSession.ts";
import type { Reached, Seeding } from "./seedRun.ts";
import { forEachItem } from "./source.ts";
import { Waiting } from "./waitingList.ts";

/**
 * Brings the batch in line with a list that was edited anywhere: no takes meanwhile. Counts copies: what the source
 * wants, minus what is done, in hand, to be tried again, dead and waiting. What is too many of the last three is
 * dropped, what is missing is added at the end. Cut off anywhere, it is begun again and counts anew.
 */
export async function edit(
  link: SeedLink,
  { source, report, alive, options }: Seeding,
  standing: Standing,
): Promise<Reached> {
  const nonce = randomUUID();
  let steps = 0;
  const next = () => `edit ${nonce} ${++steps}`;
  await link.mark("edit", next());

  const balance = new Balance(standing.offset);
  const wanted = new Chunks(0);
  const offset = await forEachItem(source, (item) => {
    if (!wanted.add(item)) {
      wanted.pack();
      wanted.add(item);
      alive();
    }
    balance.want(item);
  });
  const { digest } = wanted.pack();

  const list = new Waiting(link, next, alive, await places(link));
  // An edit that was cut off while it went around the list: once around first, so that the order stays.
  if (standing.turn > 0) await list.around(Math.min(standing.turn, list.places.length));
  const { dropped, gone } = await given(link, balance, list.places, next, alive);
  report.removed += dropped;
  await list.each((payload, pushed) => {
    if (!pushed) balance.have(payload, true);
  });
  if (balance.surplus > 0) {
    report.removed += balance.surplus;
    await list.around(list.places.length, balance);
  }

  const chunks = new Chunks(UNDER_WAY);
  const push = async () => {
    const chunk = chunks.pack();
    await link.push(chunk, next());
    report.added += chunk.count;
    alive();
  };
  let { missing } = balance;
  if (missing > 0) {
    await forEachItem(source, (item) => {
      if (balance.there(item)) return undefined;
      missing--;
      if (chunks.add(item)) return undefined;
      return push().then(() => void chunks.add(item));
    });
    if (chunks.count > 0) await push();
    await link.pushed();
  }
  if (missing !== 0) throw new Error("The items changed while they were read: seed again when they stay as they are.");
  options.onProgress?.(offset);
  return { offset, digest, gone };
}

async function places(link: SeedLink): Promise<Places> {
  const { redis, queue } = link;
  const { list, batch } = keys(queue);
  const replies = await link.call(() => redis.multi().hmget(batch, "id", "through", "pushed").llen(list).exec());
  const [[, fields], [, length]] = replies as [[null, (string | null)[]], [null, number]];
  const [id, through, pushed] = fields;
  return new Places(Number(id ?? 0), length, Number(through ?? 0), pushed ?? "");
}

/**
 * What was taken before. Those that are done or in hand are there for good, also those that are `gone` from the source;
 * of the others, what the source does not want is dropped.
 */
async function given(
  link: SeedLink,
  balance: Balance,
  known: Places,
  next: () => string,
  alive: () => void,
): Promise<{ dropped: number; gone: number }> {
  const { redis, queue } = link;
  const { batch, items, results, delayed, suspects, dead } = keys(queue);
  const pager = new Pager();
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
    pager.read(settled!.map((record, index) => record ?? open![index]!));
    return ids.flatMap((id, index) => {
      const record = settled![index] ?? open![index];
      return record && !known.given(id) ? [parseRecord(id, record, record === settled![index])] : [];
    });
  };

  const last = Number((await link.call(() => redis.hget(batch, "id"))) ?? 0);
  // In hand when it was read: stays, wherever it goes meanwhile.
  const hand = new Set<number>();
  let gone = 0;
  for (let first = 1; first <= last;) {
    const ids = Array.from({ length: Math.min(pager.size, last - first + 1) }, (_, index) => first + index);
    first += ids.length;
    for (const { id, payload, outcome } of await read(ids)) {
      if (outcome === "running") hand.add(id);
      if ((outcome === "running" || outcome === "done") && !balance.have(payload, false)) gone++;
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
    const drop = records.filter(({ payload }) => !balance.have(payload, false));
    if (drop.length > 0)
      dropped += await link.drop(
        next(),
        drop.map(({ id }) => id),
      );
  }
  return { dropped, gone };
}
