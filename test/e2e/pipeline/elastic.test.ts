// Runs first: it has an item of two minutes.
// Workers that leave when there is less to do.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { counts, pods, smallPod } from "../../support/elastic.ts";
import { onPlatform, TestStack } from "../../support/stack.ts";

const LONG_S = 120;
const POLL_MS = 3_000;

/** Items that take as many seconds as they say. */
const handler = { command: ["sh", "-c", 'sleep "${ITEM#*-}"'] };
const items = [...Array.from({ length: 100 }, (_, index) => `${index}-2`), `last-${LONG_S}`].reverse();

describe("elastic workers", function () {
  this.timeout(600_000);
  const settings = { imageName: undefined, items, ...handler, wait: false };
  const elastic = new TestStack({ ...settings, parallelism: 10, idleAfter: "5s", resources: smallPod });
  const fixed = new TestStack({ ...settings, parallelism: 10, resources: smallPod });

  onPlatform(async () => {
    await Promise.all([elastic.init(), fixed.init()]);
  });
  after(() => Promise.all([elastic.remove(), fixed.remove()]));

  const unchanged = async (...args: string[]) => {
    const { ok, text } = await elastic.preview("--expect-no-changes", ...args);
    assert.ok(ok, text);
  };

  it("leave when the rest needs fewer: idle time is under a fifth of that of as many fixed ones", async () => {
    await Promise.all([elastic.mustUp(), fixed.mustUp()]);
    const idle = { elastic: 0, fixed: 0 };
    let atTheEnd: number | undefined;
    const start = Date.now();
    for (let last = start; ; await sleep(POLL_MS)) {
      const now = Date.now();
      for (const [name, stack] of Object.entries({ elastic, fixed })) {
        const { running } = await counts(stack);
        idle[name as keyof typeof idle] += (Math.max(0, (await pods(stack)).size - running) * (now - last)) / 1000;
      }
      last = now;
      const { done } = await counts(elastic);
      if (now - start > (LONG_S - 60) * 1000) atTheEnd ??= (await pods(elastic)).size;
      if (done === items.length && (await counts(fixed)).done === items.length) break;
    }
    assert.equal(atTheEnd, 1);
    assert.ok(idle.elastic < 0.2 * idle.fixed, JSON.stringify(idle));
    console.log(`      idle pod-seconds: ${idle.elastic.toFixed(0)} elastic, ${idle.fixed.toFixed(0)} fixed`);
    assert.match((await elastic.wq("status", "--json")).out, /"lost":0.*"retried":0/);
  });

  it("change nothing that Pulumi sees", async () => {
    await unchanged();
    await unchanged("--refresh");
  });

  it("keep one pod for an item that waits for its back-off", async () => {
    await elastic.mustUp({ items: ["x"], command: ["sh", "-c", "exit 1"], backoff: "40s..40s", run: "2" });
    await sleep(25_000);
    assert.equal((await pods(elastic)).size, 1);
    assert.equal(await elastic.redis("zcard", "{job2}:delayed"), "1");
  });
});
