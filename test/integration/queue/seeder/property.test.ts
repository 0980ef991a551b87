import assert from "node:assert/strict";
import fc from "fast-check";
import { Redis } from "ioredis";
import { QueueAdmin } from "../../../../queue/admin/admin.ts";
import { keys } from "../../../../queue/redis/keys.ts";
import { Seeder } from "../../../../queue/seeder/seeder.ts";
import { lossyProxy } from "../../../support/lossyProxy.ts";
import { startRedis } from "../../../support/redis.ts";

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
/** Fault of the connection after this many bytes of a seeding; `push`: somebody pushes at that moment. */
const fault = fc.option(
  fc.record({
    after: fc.integer({ min: 0, max: 20_000 }),
    lose: fc.constantFrom("request" as const, "reply" as const, "nothing" as const),
    push: fc.boolean(),
  }),
);

describe("Seeder against a model", () => {
  it("leaves each item as often as it should, in the right place, after any seedings, pushes, takes and cuts", async () => {
    const server = await startRedis();
    const redis = new Redis(server.url);
    const admin = new QueueAdmin(redis, "job2");
    const proxy = await lossyProxy(server.port);
    const count = { seedings: 0, losses: 0, pushes: 0 };
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(step, fault), { minLength: 1, maxLength: 12 }), async (steps) => {
          await redis.flushall();
          const model = new Model();
          let lastId = 0;
          for (const [what, fault] of steps) {
            if ("push" in what) {
              await redis.rpush(k.list, what.push);
              model.items.push({ payload: what.push, pushed: true, place: "waiting" });
            } else if ("give" in what) {
              const item = model.items.find(({ place }) => place === "waiting");
              if (!item || (await redis.exists(k.batch)) === 0) continue;
              item.place = what.give;
              await give(redis, what.give, ++lastId);
            } else {
              const source = "seed" in what ? what.seed : [...model.source, ...what.grow];
              let pushing: Promise<unknown> | undefined;
              const then = () => {
                count.losses++;
                if (fault!.push) pushing = redis.rpush(k.list, `by hand ${++count.pushes}`);
                return pushing;
              };
              if (fault) proxy.plan({ ...fault, then });
              await new Seeder({ url: proxy.url, queue: "job2" }).seed(source, {
                owner: "p/s",
                run: "1",
                seedId: "1",
              });
              proxy.plan({ after: Infinity, lose: "request" });
              await pushing;
              count.seedings++;
              model.seed(source);
              if (pushing) model.place(`by hand ${count.pushes}`, await redis.lrange(k.list, 0, "-1"));
              await compare(redis, model.items);
              assert.equal(await redis.exists(k.next), 0);
              const { total, waiting, running, delayed, done, dead, external } = await admin.counts();
              assert.equal(total, model.items.length);
              assert.equal(waiting + running + delayed + done + dead, total);
              assert.equal(external, 0);
            }
          }
        }),
        { numRuns: 100 },
      );
      assert.equal(count.losses > 40, true, `${count.losses} faults in ${count.seedings} seedings`);
      assert.equal(count.pushes > 20, true, `${count.pushes} pushes in ${count.seedings} seedings`);
    } finally {
      await proxy.close();
      redis.disconnect();
      await server.stop();
    }
  });
});

/** Takes the head of the list, and gives the item an outcome. */
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
  // As a reservation does: if the list is longer than the last script left it, others have pushed.
  await redis.hset(k.batch, "lastId", id, "lastLength", length, "total", total! + length + 1 - seen!);
}

/** The expected items. */
class Model {
  items: Item[] = [];
  source: string[] = [];
  #retired = 0;

  seed(source: string[]): void {
    const added = source.slice(this.source.length);
    const grown = this.source.every((item, index) => item === source[index]);
    if (grown && (this.#retired === 0 || added.length === 0)) {
      this.items.push(...added.map((payload): Item => ({ payload, pushed: false, place: "waiting" })));
    } else {
      this.#reconcile(source);
    }
    this.source = source;
  }

  /** Adds an item that was pushed during a seeding. Its place among the external items is read from the list. */
  place(payload: string, list: string[]): void {
    const item: Item = { payload, pushed: true, place: "waiting" };
    const behind = list.length - 1 - list.indexOf(payload);
    const waiting = this.items.filter(({ place }) => place === "waiting");
    const next = waiting[waiting.length - behind];
    this.items.splice(next ? this.items.indexOf(next) : this.items.length, 0, item);
  }

  /**
   * Items that are done or in flight stay. Of the delayed and dead ones stay as many copies as the source has beyond
   * those. The rest of the source waits, in its order, before the external items.
   */
  #reconcile(source: string[]): void {
    const left = [...source];
    const wanted = ({ payload }: Item) => {
      const index = left.indexOf(payload);
      if (index >= 0) left.splice(index, 1);
      return index >= 0;
    };
    const own = (...places: Place[]) => this.items.filter(({ pushed, place }) => !pushed && places.includes(place));
    this.#retired = own("done", "leased").filter((item) => !wanted(item)).length;
    const dropped = [...own("delayed", "suspect"), ...own("dead")].filter((item) => !wanted(item));
    const gone = new Set([...dropped, ...own("waiting")]);
    const kept = this.items.filter((item) => !gone.has(item));
    const taken = kept.filter(({ place }) => place !== "waiting");
    const pushed = kept.filter(({ place }) => place === "waiting");
    this.items = [...taken, ...left.map((payload): Item => ({ payload, pushed: false, place: "waiting" })), ...pushed];
  }
}

/** Compares Redis with the model: payloads by state, the waiting ones in their order. */
async function compare(redis: Redis, model: Item[]): Promise<void> {
  const waiting = model.filter(({ place }) => place === "waiting").map((item) => item.payload);
  assert.deepEqual(await redis.lrange(k.list, 0, "-1"), waiting);
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
