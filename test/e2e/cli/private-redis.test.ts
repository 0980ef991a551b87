// Full run only: most other files reach Redis in the usual way.
// A Redis that only the cluster can reach, as a managed one in a private network: `wq` goes through the cluster.
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { checkout } from "../../support/checkout.ts";
import { kubectl, onPlatform } from "../../support/platform.ts";
import { TestStack } from "../../support/stack.ts";

describe("wq with a Redis that only the cluster can reach", () => {
  const { project, remove } = checkout();
  const items = Array.from({ length: 20 }, (_, index) => `item-${index}`);
  const stack = new TestStack({ items, workSeconds: 3, createNamespace: false }, { project });
  const relays = () => stack.kubectl("get", "pods", "-l", "app.kubernetes.io/component=relay", "-o", "name");
  async function assertNoRelay(): Promise<void> {
    for (let turn = 0; turn < 50 && (await relays()) !== ""; turn++) await sleep(200);
    assert.equal(await relays(), "");
  }

  onPlatform(async () => {
    await kubectl("create", "namespace", stack.namespace);
    const server = ["redis-server", "--requirepass", "hush"];
    await stack.kubectl("run", "private", "--image=redis:8", "--port=6379", "--expose", "--", ...server);
    await stack.kubectl("wait", "--for=condition=Ready", "pod/private", "--timeout=60s");
    await stack.init();
    await stack.setSecret("redisUrl", `redis://:hush@private.${stack.namespace}:6379`);
  });
  after(async () => {
    await stack.remove();
    remove();
  });

  it("goes through the supervisor while the batch runs", async () => {
    const up = stack.up();
    let seen: { code: number; out: string; err: string };
    for (let turn = 0; turn < 100; turn++) {
      seen = await stack.wq("status", "--json");
      if (seen.code === 2 && (JSON.parse(seen.out) as { running: number }).running > 0) break;
      await sleep(200);
    }
    assert.equal(seen!.code, 2, seen!.err);
    assert.equal(await relays(), "");
    const { ok, text } = await up;
    assert.ok(ok, text);
  });

  it("starts a Pod as a relay once the batch is over, and removes it again", async () => {
    const { code, out, err } = await stack.wq("results", "--csv");
    assert.deepEqual([code, err, out.split("\n").length], [0, "", 21]);
    await assertNoRelay();
  });

  it("removes it if Ctrl-C ends `wq ui`", async () => {
    const { env, name } = stack;
    const ui = execa(join(project, "cli/wq.mjs"), ["ui", "--no-open", "--stack", name], { cwd: project, env });
    await once(ui.stdout, "data");
    assert.match(await relays(), /^pod\/\S+-relay-\S+$/);
    ui.kill("SIGINT");
    await ui;
    await assertNoRelay();
  });
});
