// Runs alone: it counts seconds.
// Workers that come back when there is more to do.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { counts, pods, smallPod } from "../../support/elastic.ts";
import { onPlatform, TestStack } from "../../support/stack.ts";

describe("elastic workers that left", function () {
  this.timeout(300_000);
  const stack = new TestStack({
    imageName: undefined,
    items: ["a"],
    command: ["sleep", "600"],
    wait: false,
    parallelism: 10,
    idleAfter: "5s",
    resources: smallPod,
  });

  onPlatform(async () => {
    await stack.init();
    await stack.mustUp();
  });
  after(() => stack.remove());

  it("come back for items that are pushed by hand, within 15 s", async () => {
    while ((await counts(stack)).running < 1) await sleep(200);
    while ((await pods(stack)).size > 1) await sleep(500);
    await stack.redis("rpush", "job2", ...Array.from({ length: 9 }, (_, index) => `b-${index}`));
    const start = Date.now();
    while ((await counts(stack)).running < 10) await sleep(200);
    assert.ok(Date.now() - start < 15_000, `${Date.now() - start} ms`);
  });
});
