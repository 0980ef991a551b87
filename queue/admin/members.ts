import type { Redis } from "ioredis";

/** Members read at a time. */
const PAGE = 1_000;

/** A member of a sorted set. */
export interface Member {
  member: string;
  score: number;
}

/**
 * Members of a sorted set by score, page by page. If it changes meanwhile, nothing that stays is left out: a page
 * begins where the one before it ended, not at a rank.
 * @param min The lowest score, as Redis writes it.
 */
export async function* readMembers(redis: Redis, key: string, min = "-inf"): AsyncGenerator<Member[]> {
  let from = min;
  /** Members with the score `from` that were read already. */
  let seen = new Set<string>();
  for (;;) {
    const page = await redis.zrangebyscore(key, from, "+inf", "WITHSCORES", "LIMIT", 0, PAGE + seen.size);
    const fresh: Member[] = [];
    for (let at = 0; at < page.length; at += 2) {
      const [member, score] = page.slice(at, at + 2) as [string, string];
      if (score !== from) [from, seen] = [score, new Set()];
      else if (seen.has(member)) continue;
      seen.add(member);
      fresh.push({ member, score: Number(score) });
    }
    if (fresh.length === 0) return;
    yield fresh;
  }
}
