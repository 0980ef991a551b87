import assert from "node:assert/strict";
import { Redis } from "ioredis";
import { Consumer, keys, Seeder } from "../../../queue/index.ts";
import { quick } from "../../support/consuming.ts";
import { runFruits, wq } from "../../support/fruits.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

describe("wq list and wq purge", () => {
  let redis: TestRedis;
  const run = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await wq(redis.url, ...args);
    return { out: stdout, err: stderr, code: exitCode };
  };
  const seed = (queue: string, items: string[]) =>
    new Seeder({ url: redis.url, queue }).seed(items, { owner: `media/${queue}`, run: "1", seedId: "1" });

  before(async () => void (redis = await startRedis()));
  after(() => redis?.stop());

  it("list says that there is no batch", async () => {
    assert.deepEqual(await run("list"), { out: "There is no batch in this Redis.", err: "", code: 0 });
    assert.deepEqual(await run("list", "--json"), { out: "", err: "", code: 0 });
  });

  it("list shows every batch, seeded or filled by hand, with owner, counts, memory and state", async () => {
    await runFruits(redis.url);
    await seed("thumbs", ["a", "b"]);
    const connection = new Redis(redis.url);
    await connection.rpush("by-hand", "x", "y");
    await connection.rpush("somebody's", "not ours");
    connection.disconnect();
    await new Consumer({ ...quick(redis.url), queue: "by-hand", handler: () => 1 }).run();
    const { out, code } = await run("list");
    assert.equal(code, 0);
    const lines = out
      .split("\n")
      .map((line) => line.replace(/\d+(\.\d+)? (B|KiB)/, "MEMORY").replace(/in [\w.]+/, "in T"));
    assert.deepEqual(
      lines.map((line) => line.split(/ {2,}/)),
      [
        ["QUEUE", "OWNER", "DONE", "FAILED", "RUNNING", "WAITING", "MEMORY", "STATE"],
        ["by-hand", "-", "2", "0", "0", "0", "MEMORY", "finished in T"],
        ["job2", "fruit/dev", "7", "2", "0", "0", "MEMORY", "finished in T, 2 items failed"],
        ["thumbs", "media/thumbs", "0", "0", "0", "2", "MEMORY", "waiting for workers"],
      ],
    );
    const json = (await run("list", "--json")).out
      .split("\n")
      .map((line) => JSON.parse(line) as { memoryBytes: number });
    const thumbs = json[2] as unknown as Record<string, unknown>;
    assert.deepEqual([thumbs.queue, thumbs.owner, thumbs.total, thumbs.waiting], ["thumbs", "media/thumbs", 2, 2]);
    assert.ok(json.every(({ memoryBytes }) => memoryBytes > 100 && memoryBytes < 100_000));
  });

  it("purge deletes a batch with all its keys, and no other", async () => {
    assert.deepEqual(await run("purge", "job2"), { out: "Deleted job2: 9 items.", err: "", code: 0 });
    const connection = new Redis(redis.url);
    const left = await connection.exists(...Object.values(keys("job2")));
    connection.disconnect();
    assert.equal(left, 0);
    assert.match((await run("list")).out, /by-hand[^]*thumbs/);
    assert.doesNotMatch((await run("list")).out, /job2/);
    assert.equal((await run("purge", "by-hand", "--json")).out, '{"queue":"by-hand","items":2}');
  });

  it("purge refuses an unknown batch, and names the known ones", async () => {
    const err = (name: string) => `wq purge: this Redis has no batch ${name}; it has thumbs`;
    for (const name of ["thums", "somebody's"]) {
      assert.deepEqual(await run("purge", name), { out: "", err: err(name), code: 3 });
    }
    const connection = new Redis(redis.url);
    assert.equal(await connection.llen("somebody's"), 1);
    connection.disconnect();
  });

  it("purge refuses while items are in flight, unless it is forced", async () => {
    let go = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    let begun = () => {};
    const started = new Promise<void>((resolve) => (begun = resolve));
    const handler = async () => {
      begun();
      await gate;
    };
    const consumer = new Consumer({ ...quick(redis.url), queue: "thumbs", leaseMs: 30_000, handler });
    const ended = consumer.run();
    await started;
    const err = "wq purge: thumbs is in use (1 item in flight): stop its workers first, or give --force";
    assert.deepEqual(await run("purge", "thumbs"), { out: "", err, code: 3 });
    assert.deepEqual(await run("purge", "thumbs", "--force"), { out: "Deleted thumbs: 2 items.", err: "", code: 0 });
    assert.equal((await run("list")).out, "There is no batch in this Redis.");
    go();
    await consumer.stop(0);
    await ended;
  });

  it("purge refuses during a seeding", async () => {
    const connection = new Redis(redis.url);
    await connection.hset(keys("half").batch, { schema: 1, state: "seeding", owner: "a/b", total: 5 });
    connection.disconnect();
    const err = "wq purge: half is in use (items are being put into it): stop its workers first, or give --force";
    assert.deepEqual(await run("purge", "half"), { out: "", err, code: 3 });
    assert.equal((await run("purge", "half", "--force")).code, 0);
  });
});
