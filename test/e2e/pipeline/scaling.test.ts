// The choice of the pods that go when a Job gets smaller.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isFull } from "../../support/full.ts";
import { counts, pods, smallPod } from "../../support/elastic.ts";
import { onPlatform } from "../../support/platform.ts";
import { TestStack } from "../../support/stack.ts";

const TURNS = isFull ? 10 : 3;
const BUSY = 2;
const ALL = 10;

describe("workers that are removed by `wq scale`", function () {
  this.timeout(480_000);
  const stack = new TestStack({
    imageName: undefined,
    items: ["a", "b"],
    command: ["sleep", "600"],
    wait: false,
    parallelism: ALL,
    resources: smallPod,
  });

  onPlatform(async () => {
    await stack.init();
    await stack.mustUp();
  });
  after(() => stack.remove());

  const busy = async () =>
    [...(await pods(stack))]
      .filter(([, ready]) => ready)
      .map(([name]) => name)
      .sort();
  const until = async (what: string, isSo: () => Promise<boolean>) => {
    for (let look = 0; !(await isSo()); look++, await sleep(200))
      if (look > 300) throw new Error(`${what}: it never came to that`);
  };

  it("never have something in flight, however often that is done", async () => {
    await until("two items begun", async () => (await counts(stack)).running === BUSY);
    for (let turn = 0; turn < TURNS; turn++) {
      const more = await stack.wq("scale", String(ALL));
      assert.equal(more.code, 0, more.err);
      await until("ten pods, two of them busy", async () => {
        const ready = await busy();
        return ready.length === BUSY && (await pods(stack)).size === ALL;
      });
      const before = await busy();
      const fewer = await stack.wq("scale", String(BUSY));
      assert.equal(fewer.code, 0, fewer.err);
      await until("two pods", async () => (await pods(stack)).size === BUSY);
      assert.deepEqual([...(await pods(stack)).keys()].sort(), before, `turn ${turn}`);
    }
  });
});
