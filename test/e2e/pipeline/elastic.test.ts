// Workers that leave when there is less to do, and come back when there is more.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { counts, pods, smallPod } from "../../support/elastic.ts";
import { onPlatform } from "../../support/platform.ts";
import { TestStack } from "../../support/stack.ts";

const ALL = 10;

const items = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `item-${from + index}`);

describe("elastic workers", () => {
  const stack = new TestStack({
    imageName: undefined,
    items: items(0, ALL),
    // Each item runs until the test lets its pod go on.
    command: ["sh", "-c", "until [ -e /tmp/go ]; do sleep 1; done"],
    wait: false,
    parallelism: ALL,
    idleAfter: "5s",
    resources: smallPod,
  });

  onPlatform(async () => {
    await stack.init();
    await stack.mustUp();
  });
  after(() => stack.remove());

  const until = async (isSo: () => Promise<boolean>) => {
    while (!(await isSo())) await sleep(1_000);
  };
  const names = async () => [...(await pods(stack)).keys()];
  const letGo = (some: string[]) =>
    Promise.all(some.map((name) => stack.kubectl("exec", name, "--", "touch", "/tmp/go")));

  it("leave, all but the one that has the last item", async () => {
    await until(async () => (await counts(stack)).running === ALL);
    const [last, ...others] = await names();
    await letGo(others);
    await until(async () => (await pods(stack)).size === 1);
    assert.deepEqual(await names(), [last]);
    assert.deepEqual(await counts(stack), { waiting: 0, running: 1, done: ALL - 1 });
  });

  it("change nothing that Pulumi sees; an update of a running Job by the provider changes nothing, either", async () => {
    const { ok, text } = await stack.preview("--expect-no-changes");
    assert.ok(ok, text);
    assert.match(text, /the batch runs: with `--refresh`, Pulumi shows updates of its Jobs, which change nothing/);
    const refreshed = await stack.preview("--refresh", "--json");
    const { steps } = JSON.parse(refreshed.text.replace(/^[^{]*/, "")) as {
      steps: { op: string; urn: string; diffReasons?: string[] }[];
    };
    const changes = steps.filter(({ op }) => op !== "same" && op !== "refresh");
    for (const { op, urn, diffReasons } of changes) {
      assert.equal(op, "update", urn);
      assert.match(urn, /::kubernetes:batch\/v1:Job::|Job::job-wq-2-(workers|supervisor)$/);
      assert.deepEqual(diffReasons ?? [], [], urn);
    }
  });

  it("come back for items that are pushed by hand, and none of it costs an attempt", async () => {
    await stack.redis("rpush", "job2", ...items(ALL, 2 * ALL - 1));
    await until(async () => (await counts(stack)).running === ALL);
    await letGo(await names());
    await until(async () => (await counts(stack)).done === 2 * ALL - 1);
    assert.match((await stack.wq("status", "--json")).out, /"lost":0.*"retried":0/);
  });

  it("keep one pod for an item that waits for its back-off", async () => {
    await stack.mustUp({ items: ["x"], command: ["sh", "-c", "exit 1"], backoff: "10m..10m", run: "2" });
    await until(async () => (await stack.redis("zcard", "{job2}:delayed")) === "1");
    await sleep(15_000);
    assert.equal((await pods(stack)).size, 1);
    assert.equal(await stack.redis("zcard", "{job2}:delayed"), "1");
  });
});
