// A preview of a seeding, beside the report of that seeding.
import assert from "node:assert/strict";
import { keys } from "../../../../queue/redis/keys.ts";
import { previewSeeding, type SeedingPreview } from "../../../../queue/seeder/previewSeeding.ts";
import type { ItemSource } from "../../../../queue/types.ts";
import { type Fate, FRUITS, SeederFixture, VERSIONS } from "../../../support/seederFixture.ts";

const k = keys("job2");
const OPTIONS = { owner: "fruit/dev", run: "1" };

for (const version of VERSIONS) {
  describe(`previewSeeding, Redis ${version}`, () => {
    const queue = SeederFixture.register(version);
    const preview = (source: ItemSource, options = OPTIONS) => previewSeeding(queue.redis, "job2", source, options);

    /** All that is in Redis, in a form that can be compared. */
    const everything = async () => {
      const names = (await queue.redis.keys("*")).sort();
      return Promise.all(names.map(async (name) => [name, await queue.redis.dump(name)]));
    };

    /** Previews and seeds. Both say the same, and the preview changes nothing. */
    async function same(items: string[], expected: SeedingPreview, options = OPTIONS): Promise<void> {
      const before = await everything();
      const said = await preview(items, options);
      assert.deepEqual(await everything(), before);
      const { total: _, ...report } = await queue.seed(items, options);
      assert.deepEqual(said, report);
      assert.deepEqual(said, expected);
    }

    const give = async (...fates: Fate[]) => {
      for (const [index, fate] of fates.entries()) await queue.give(fate, index + 1);
    };

    it("of a new queue", () => same(FRUITS, { added: 9, removed: 0, requeued: 0, kept: 0 }));

    it("of the same items, some done, some dead", async () => {
      await queue.seed(FRUITS);
      await give("done", "dead", "lost", "delayed");
      await same(FRUITS, { added: 0, removed: 0, requeued: 2, kept: 1 });
    });

    it("of items at the end", async () => {
      await queue.seed(FRUITS);
      await give("done", "dead");
      await same([...FRUITS, "kiwi", "apple"], { added: 2, removed: 0, requeued: 1, kept: 1 });
    });

    it("of an edit anywhere", async () => {
      await queue.seed(FRUITS);
      await give("done", "dead", "dead", "leased", "delayed");
      // The done apple stays, the dead banana and the waiting orange go, the dead cherry stays.
      const items = ["kiwi", ...FRUITS.filter((item) => !["apple", "banana", "orange"].includes(item)), "fig", "plum"];
      await same(items, { added: 3, removed: 2, requeued: 1, kept: 1 });
    });

    it("of copies", async () => {
      await queue.seed(["a", "a", "a", "a", "b"]);
      await give("delayed", "dead", "dead", "done");
      await same(["b", "a", "a"], { added: 0, removed: 2, requeued: 0, kept: 1 });
      await same(["b", "a", "a", "a", "a"], { added: 2, removed: 0, requeued: 0, kept: 1 });
    });

    it("of done items that left the list and come back", async () => {
      await queue.seed(["a", "b", "c"]);
      await give("done", "dead");
      await same(["c"], { added: 0, removed: 1, requeued: 0, kept: 1 });
      await same(["c", "a", "b", "a"], { added: 2, removed: 0, requeued: 0, kept: 1 });
    });

    it("of a list that others push to, and take from", async () => {
      await queue.redis.rpush(k.list, "apple", "by hand");
      await same(["apple", "fig"], { added: 2, removed: 0, requeued: 0, kept: 0 });
      await queue.redis.rpush(k.list, "later");
      await same(["fig", "plum"], { added: 1, removed: 1, requeued: 0, kept: 0 });
      await give("dead");
      await same(["fig", "plum", "date"], { added: 1, removed: 0, requeued: 1, kept: 0 });
      await same([], { added: 0, removed: 3, requeued: 0, kept: 0 });
    });

    it("of a new run, which starts over", async () => {
      await queue.seed(FRUITS);
      await give("done", "dead");
      await same(FRUITS.slice(1), { added: 8, removed: 0, requeued: 0, kept: 0 }, { ...OPTIONS, run: "2" });
    });

    it("of a seeding that was cut off", async () => {
      await queue.seed(FRUITS.slice(0, 4));
      await queue.redis.hset(k.batch, { seeded: 0, state: "seeding" });
      await same(FRUITS, { added: 5, removed: 0, requeued: 0, kept: 0 });
      await queue.redis.hset(k.batch, { seeded: 0, state: "seeding", digest: "edit cut 3" });
      await same(FRUITS, { added: 0, removed: 0, requeued: 0, kept: 0 });
    });

    it("of many items, in several pages", async () => {
      const items = Array.from({ length: 20_000 }, (_, index) => `item-${index}-${"x".repeat(100)}`);
      await queue.seed(items);
      await same(items.filter((_, index) => index % 4 !== 1).concat("new"), {
        added: 1,
        removed: 5_000,
        requeued: 0,
        kept: 0,
      });
    });

    it("says nothing of a seeding that would be refused", async () => {
      await queue.seed(FRUITS);
      assert.equal(await preview(FRUITS, { ...OPTIONS, owner: "fruit/prod" }), undefined);
      await queue.redis.hset(k.batch, "schema", 2);
      assert.equal(await preview(FRUITS), undefined);
    });

    it("says nothing of too many items", async () => {
      const many = Array.from({ length: 100_001 }, (_, index) => String(index));
      assert.equal(await preview(many), undefined);
      assert.deepEqual(await preview(many.slice(1)), { added: 100_000, removed: 0, requeued: 0, kept: 0 });
      await queue.seed(many);
      assert.equal(await preview(FRUITS), undefined);
    });
  });
}
