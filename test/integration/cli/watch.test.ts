import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { Consumer, Seeder } from "../../../queue/index.ts";
import { quick } from "../../support/consuming.ts";
import { wqScript } from "../../support/fruits.ts";
import { inTerminal } from "../../support/screen.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

describe("status --watch in a terminal", () => {
  let redis: TestRedis;
  const watch = (queue: string) =>
    inTerminal([process.execPath, wqScript, "status", "--watch", "--queue", queue], { WQ_REDIS_URL: redis.url });
  /** A batch in which each item but the first waits until the test lets it go. */
  async function batch(queue: string): Promise<{ go: () => void; ended: Promise<unknown> }> {
    const items = Array.from({ length: 50 }, (_, i) => `item-${i + 1}`);
    await new Seeder({ url: redis.url, queue }).seed(items, { owner: "a/b", run: "1", seedId: "1" });
    let go = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const handler = async (item: string) => {
      if (item !== "item-1") await gate;
      if (item === "item-7") throw new Error("is rotten");
    };
    const consumer = new Consumer({ ...quick(redis.url), queue, concurrency: 3, handler });
    return { go, ended: consumer.run() };
  }

  before(async () => void (redis = await startRedis()));
  after(() => redis?.stop());

  it("is drawn in place until the batch is over; its exit code tells how the batch ended", async () => {
    const { go, ended } = await batch("fruit");
    const screen = watch("fruit");
    let lines: string[] = [];
    const until = async (seen: RegExp) => {
      for (lines = []; !seen.test(lines.join("\n")); await sleep(50)) lines = await screen.lines();
    };
    await until(/SLOWEST/);
    const [title, bar, states, workers, ...rest] = lines;
    assert.match(title!, /^fruit {2}running for /);
    assert.match(bar!, /^█░+ {2}1 of 50 items 2 %$/);
    assert.equal(states, "done 1   running 3   waiting 46   retrying 0   failed 0");
    assert.match(workers!, /^WORKER +NODE +DONE +FAILED +HEARD +SINCE +IN FLIGHT$/);
    assert.match(rest[0]!, /^pod-1 +node-1 /);
    assert.equal(rest.filter((line) => /pod-1 +item-\d$/.test(line)).length, 3, "the slowest in flight");

    const first = title!;
    await until(/running for ([3-9]|\d\d)(\.\d)?s\n/);
    assert.notEqual(lines[0], first);
    assert.equal(lines.filter((line) => line.startsWith("fruit ")).length, 1, "one screen, not two below each other");
    assert.equal(screen.scrolled(), 0);

    go();
    await ended;
    assert.equal(await screen.ended, 1);
    lines = await screen.lines();
    assert.match(lines[0]!, /^fruit {2}finished in \S+, 1 item failed$/);
    assert.match(lines[1]!, /^█+ {2}50 of 50 items 100 %$/);
    assert.equal(lines[2], "done 49   running 0   waiting 0   retrying 0   failed 1");
    assert.ok(screen.raw().includes("\u001b[31m"), "red where an item failed");
  });

  it("has no colours with NO_COLOR", async () => {
    const args = [process.execPath, wqScript, "status", "--queue", "fruit"];
    const screen = inTerminal(args, { WQ_REDIS_URL: redis.url, NO_COLOR: "1" });
    assert.equal(await screen.ended, 1);
    await screen.lines();
    assert.ok(screen.raw().includes("1 item failed") && !screen.raw().includes("\u001b[3"), screen.raw());
  });

  it("gives the cursor back when it is interrupted", async () => {
    const { go, ended } = await batch("more");
    const screen = watch("more");
    while (!(await screen.lines()).some((line) => line.startsWith("pod-1"))) await sleep(50);
    screen.type("\u0003");
    assert.equal(await screen.ended, 130);
    const raw = screen.raw();
    assert.ok(raw.lastIndexOf("\u001b[?25h") > raw.lastIndexOf("\u001b[?25l"), "the cursor is shown");
    go();
    await ended;
  });
});
