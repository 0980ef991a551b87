// Runs alone: it counts the idle seconds of some twenty pods.
// Workers that come and go with the work.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { platformUp, TestStack } from "../../support/stack.ts";

const LONG_S = 120;
const POLL_MS = 1_000;

/** Items that take as many seconds as they say. */
const handler = { command: ["sh", "-c", 'sleep "${ITEM#*-}"'] };
const items = [...Array.from({ length: 100 }, (_, index) => `${index}-2`), `last-${LONG_S}`].reverse();

describe("elastic workers", function () {
  this.timeout(600_000);
  const settings = { imageName: undefined, items, ...handler, wait: false };
  const small = { requests: { cpu: "20m", memory: "64Mi" }, limits: { cpu: "1", memory: "256Mi" } };
  const elastic = new TestStack({ ...settings, parallelism: 10, idleAfter: "5s", resources: small });
  const fixed = new TestStack({ ...settings, parallelism: 10, resources: small });

  before(async function () {
    this.timeout(1_800_000);
    await platformUp();
    await Promise.all([elastic.init(), fixed.init()]);
  });
  after(() => Promise.all([elastic.remove(), fixed.remove()]));

  /** Names of the pods that work or could, by whether they are ready: those with something in hand. */
  async function pods(stack: TestStack): Promise<Map<string, boolean>> {
    const path =
      '{range .items[*]}{.metadata.name} {.metadata.deletionTimestamp} {.status.phase} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}';
    const text = await stack.kubectl("get", "pods", "-l", "job-name=job-wq-2", "-o", `jsonpath=${path}`);
    const rows = text.split("\n").map((line) => line.split(" "));
    return new Map(
      rows
        .filter(([, deleted, phase]) => !deleted && phase === "Running")
        .map(([name, , , ready]) => [name!, ready === "True"]),
    );
  }
  const counts = async (stack: TestStack) => {
    const [waiting, running, done] = await Promise.all([
      stack.redis("llen", "job2"),
      stack.redis("zcard", "{job2}:leases"),
      stack.redis("hlen", "{job2}:results"),
    ]);
    return { waiting: Number(waiting), running: Number(running), done: Number(done) };
  };
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

  it("come back for items that are pushed by hand, within 15 s", async () => {
    await elastic.mustUp({ items: ["a-600"], run: "2" });
    while ((await counts(elastic)).running < 1) await sleep(200);
    while ((await pods(elastic)).size > 1) await sleep(500);
    await elastic.redis("rpush", "job2", ...Array.from({ length: 9 }, (_, index) => `${index}-600`));
    const start = Date.now();
    while ((await counts(elastic)).running < 10) await sleep(200);
    assert.ok(Date.now() - start < 15_000, `${Date.now() - start} ms`);
  });

  it("are removed by `wq scale` without one that has something in hand, ten times of ten", async () => {
    for (let turn = 0; turn < 10; turn++) {
      // Two with something in hand, eight without.
      await fixed.mustUp({ items: ["a-600", "b-600"], run: String(turn + 2) });
      while ((await pods(fixed)).size < 10 || (await counts(fixed)).running < 2) await sleep(200);
      const busy = async () =>
        [...(await pods(fixed))]
          .filter(([, ready]) => ready)
          .map(([name]) => name)
          .sort();
      for (let look = 0; (await busy()).length !== 2 && look < 50; look++) await sleep(200);
      const before = await busy();
      const { code, err } = await fixed.wq("scale", "2");
      assert.equal(code, 0, err);
      while ((await pods(fixed)).size > 2) await sleep(200);
      assert.deepEqual([...(await pods(fixed)).keys()].sort(), before, `turn ${turn}`);
    }
  });

  it("keep one pod for an item that waits for its back-off", async () => {
    await elastic.mustUp({ items: ["x"], command: ["sh", "-c", "exit 1"], backoff: "40s..40s", run: "3" });
    await sleep(25_000);
    assert.equal((await pods(elastic)).size, 1);
    assert.equal(await elastic.redis("zcard", "{job2}:delayed"), "1");
  });
});
