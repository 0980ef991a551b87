import assert from "node:assert/strict";
import fc from "fast-check";
import { Redis } from "ioredis";
import { QueueAdmin } from "../../../queue/admin/admin.ts";
import { keys } from "../../../queue/redis/keys.ts";
import { Seeder } from "../../../queue/seeder/seeder.ts";
import { lossyProxy } from "../../support/lossyProxy.ts";
import { startRedis } from "../../support/redis.ts";

const k = keys("job2");
const OUTCOMES = ["done", "leased", "delayed", "suspect", "dead"] as const;
type Place = (typeof OUTCOMES)[number] | "waiting";

/** One item as the model sees it. */
interface Item {
  payload: string;
  pushed: boolean;
  place: Place;
}

const payload = fc.constantFrom("a", "b", "c", "", "\n");
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ seed: fc.array(payload, { maxLength: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ grow: fc.array(payload, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ push: payload }) },
  { weight: 4, arbitrary: fc.record({ give: fc.constantFrom(...OUTCOMES) }) },
);
const loss = fc.option(
  fc.record({
    after: fc.integer({ min: 0, max: 16_000 }),
    lose: fc.constantFrom("request" as const, "reply" as const),
  }),
);

describe("converging, against a model", function () {
  this.timeout(60_000);

  it("whatever was seeded, pushed, taken, settled and cut off before: each item is there as often as it should be", async () => {
    const server = await startRedis();
    const redis = new Redis(server.url);
    const admin = new QueueAdmin(redis, "job2");
    const proxy = await lossyProxy(server.port);
    const count = { seedings: 0, losses: 0 };
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(step, loss), { minLength: 1, maxLength: 12 }), async (steps) => {
          await redis.flushall();
          let model: Item[] = [];
          let source: string[] = [];
          let lastId = 0;
          for (const [what, cut] of steps) {
            if ("push" in what) {
              await redis.rpush(k.list, what.push);
              model.push({ payload: what.push, pushed: true, place: "waiting" });
            } else if ("give" in what) {
              const item = model.find(({ place }) => place === "waiting");
              if (!item || (await redis.exists(k.batch)) === 0) continue;
              item.place = what.give;
              await give(redis, what.give, ++lastId);
            } else {
              source = "seed" in what ? what.seed : [...source, ...what.grow];
              if (cut) proxy.plan({ ...cut, then: () => count.losses++ });
              await new Seeder({ url: proxy.url, queue: "job2" }).seed(source, {
                owner: "p/s",
                run: "1",
                seedId: "1",
              });
              proxy.plan({ after: Infinity, lose: "request" });
              count.seedings++;
              model = converged(model, source);
              await compare(redis, model, cut === null);
              const { total, waiting, running, delayed, done, dead, external } = await admin.counts();
              assert.equal(total, model.length);
              assert.equal(waiting + running + delayed + done + dead, total);
              assert.equal(external, 0);
            }
          }
        }),
        { numRuns: 80 },
      );
      assert.equal(count.losses > 20, true, `${count.losses} connections were cut in ${count.seedings} seedings`);
    } finally {
      await proxy.close();
      redis.disconnect();
      await server.stop();
    }
  });
});

/** The head of the list as taken, and what became of it. */
async function give(redis: Redis, outcome: (typeof OUTCOMES)[number], id: number): Promise<void> {
  const head = (await redis.lpop(k.list))!;
  const lines = { done: "d5\n", dead: 'f5 "no"\n', delayed: 'f5 "no"\n', suspect: "l5000 4000\n", leased: "" };
  const hash = outcome === "done" || outcome === "dead" ? k.results : k.items;
  await redis.hset(hash, String(id), `${lines[outcome]}0 0 1000 s1\n\n${head}`);
  if (outcome === "dead") await redis.zadd(k.dead, id, String(id));
  if (outcome === "delayed") await redis.zadd(k.delayed, 1e15, String(id));
  if (outcome === "suspect") await redis.zadd(k.suspects, 1e15, String(id));
  if (outcome === "leased") await redis.zadd(k.leases, 1e15, `${id}:s1.1`);
  const [total, seen] = (await redis.hmget(k.batch, "total", "lastLength")).map(Number);
  const length = await redis.llen(k.list);
  // As a take does: what is longer than it was left was pushed by hand.
  await redis.hset(k.batch, "lastId", id, "lastLength", length, "total", total! + length + 1 - seen!);
}

/**
 * What should be there: done and in hand stay; of the rest as many copies as the source wants, those taken before
 * first.
 */
function converged(model: Item[], source: string[]): Item[] {
  const missing = new Map<string, number>();
  for (const one of source) missing.set(one, (missing.get(one) ?? 0) + 1);
  const wanted = (item: Item) => {
    const copies = missing.get(item.payload) ?? 0;
    missing.set(item.payload, Math.max(0, copies - 1));
    return copies > 0;
  };
  const seeded = (places: Place[]) => model.filter((item) => !item.pushed && places.includes(item.place));
  const drop = new Set<Item>();
  seeded(["done", "leased"]).forEach(wanted);
  for (const item of seeded(["delayed", "suspect", "dead"])) if (!wanted(item)) drop.add(item);
  // Of equal ones that wait, the first go.
  for (const item of seeded(["waiting"]).reverse()) if (!wanted(item)) drop.add(item);
  // The first copies are there, the last ones are added.
  const added = source
    .toReversed()
    .map((one): Item => ({ payload: one, pushed: false, place: "waiting" }))
    .filter(wanted)
    .reverse();
  return [...model.filter((item) => !drop.has(item)), ...added];
}

/** By place and payload; the waiting ones in their order too, where nothing was cut off. */
async function compare(redis: Redis, model: Item[], ordered: boolean): Promise<void> {
  const list = await redis.lrange(k.list, 0, "-1");
  const sort = (texts: string[]) => (ordered ? texts : texts.sort());
  const waiting = model.filter(({ place }) => place === "waiting").map((item) => item.payload);
  assert.deepEqual(sort(list), sort(waiting));
  const of = async (hash: string, ids: string[]) =>
    ids.length === 0
      ? []
      : (await redis.hmget(hash, ...ids)).map((record) => record!.slice(record!.indexOf("\n\n") + 2));
  const expected = (place: Place) =>
    model
      .filter((item) => item.place === place)
      .map((item) => item.payload)
      .sort();
  const dead = await redis.zrange(k.dead, 0, "-1");
  const done = (await redis.hkeys(k.results)).filter((id) => !dead.includes(id));
  const leased = (await redis.zrange(k.leases, 0, "-1")).map((member) => member.split(":")[0]!);
  assert.deepEqual((await of(k.results, done)).sort(), expected("done"));
  assert.deepEqual((await of(k.results, dead)).sort(), expected("dead"));
  assert.deepEqual((await of(k.items, leased)).sort(), expected("leased"));
  const delayed = await of(k.items, await redis.zrange(k.delayed, 0, "-1"));
  const suspects = await of(k.items, await redis.zrange(k.suspects, 0, "-1"));
  assert.deepEqual([...delayed, ...suspects].sort(), [...expected("delayed"), ...expected("suspect")].sort());
  assert.equal(await redis.hlen(k.items), leased.length + delayed.length + suspects.length);
}
