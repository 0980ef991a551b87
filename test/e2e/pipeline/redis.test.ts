// A Redis that dies or is gone, and lists that are filled by hand.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { onPlatform } from "../../support/platform.ts";
import { fruits, TestStack } from "../../support/stack.ts";

describe("Redis of a pipeline", function () {
  this.timeout(10 * 60_000); // a crash of Redis, and three times `up`
  onPlatform();

  /** The host's pid of a program in a pod, by the pod's cgroup. */
  function hostPid(uid: string, program: string): number {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const [comm, cgroup] = ["comm", "cgroup"].map((file) => readFileSync(`/proc/${pid}/${file}`, "utf8"));
        if (comm!.trim() === program && cgroup!.includes(uid)) return Number(pid);
      } catch {
        // it ended meanwhile
      }
    }
    throw new Error(`no ${program} in pod ${uid}`);
  }

  it("may be killed between two items: it keeps its data, and nothing runs twice; if it is gone, everything runs again", async () => {
    const stack = await new TestStack({ parallelism: 1, workSeconds: 0.5 }).init();
    try {
      const running = stack.up();
      const pod = (path: string) => stack.kubectl("get", "pod/redis-master", "-o", `jsonpath={${path}}`);
      for (let i = 0; i < 600; i++, await sleep(100)) {
        const done = await stack.redis("hlen", "{job2}:results").catch(() => "0");
        if (Number(done) >= 2) break;
      }
      process.kill(hostPid(await pod(".metadata.uid"), "redis-server"), "SIGKILL");
      const { ok, text } = await running;
      assert.ok(ok, text);
      assert.equal(await pod(".status.containerStatuses[0].restartCount"), "1");
      assert.deepEqual(await stack.items(), fruits);

      // As when its node is gone, and it with that: while `up` waits, and before the next one.
      const gone = /error: Redis redis has no pod any more .*: `pulumi up --refresh` makes it anew/;
      stack.set({ workSeconds: 300, run: "2" });
      const waiting = stack.start("up", "--yes", "--skip-preview");
      for (let i = 0; i < 600; i++, await sleep(100))
        if (Number(await stack.redis("zcard", "{job2}:leases").catch(() => "0")) > 0) break;
      await stack.kubectl("delete", "pod/redis-master");
      assert.match((await waiting).all, gone);
      assert.match((await stack.up({ workSeconds: 0.5 })).text, gone);
      const again = await stack.pulumi("up", "--yes", "--skip-preview", "--refresh");
      assert.ok(again.ok, again.text);
      assert.deepEqual(await stack.items(), fruits);
      assert.equal(await stack.redis("hlen", "{job2}:results"), "9");
    } finally {
      await stack.remove();
    }
  });

  it("is filled by hand, as on the page: first without workers, then with them, then by a list", async () => {
    const stack = await new TestStack({ items: undefined, workers: false }).init();
    try {
      await stack.mustUp();
      assert.equal(await stack.redis("rpush", "job2", ...fruits), "9");
      const none = "warning: Batch job-wq-2: none of `items`, `itemsFile` and `itemsRange` is set, so the workers wait";
      const { text } = await stack.mustUp({ workers: true });
      assert.ok(text.includes(none), text);
      assert.deepEqual(await stack.items(), fruits);
      assert.match(await stack.verdict(), /all 9 items done/);
      await stack.mustUp({ items: ["kiwi"] });
      assert.deepEqual(await stack.items(), ["kiwi"]);
    } finally {
      await stack.remove();
    }
  });

  it("keeps its records on a claim, also if its Pod is deleted; `destroy` removes the claim", async () => {
    const stack = await new TestStack({ redisStorage: "64Mi", createNamespace: true }).init();
    try {
      await stack.mustUp();
      await stack.kubectl("delete", "pod/redis-master-0");
      await stack.kubectl("wait", "--for=condition=Ready", "pod/redis-master-0", "--timeout=60s");
      await stack.mustUp({ items: [...fruits, "kiwi"] });
      assert.deepEqual(await stack.items(), ["kiwi"]);
      const claim = () => stack.kubectl("get", "pvc", "-o", "jsonpath={.items[*].metadata.uid}");
      const first = await claim();
      await stack.mustUp({ redisStorage: "128Mi" });
      assert.equal(await claim(), first, "another size does not take the data away");
      const preview = await stack.preview("--expect-no-changes");
      assert.ok(preview.ok, preview.text);
      await stack.mustUp({ redisStorage: undefined });
      for (let i = 0; i < 100 && (await stack.kubectl("get", "pvc", "-o", "name")); i++) await sleep(200);
      assert.equal(await stack.kubectl("get", "pvc", "-o", "name"), "");
      // Without that data, everything runs again.
      assert.deepEqual(await stack.items(), [...fruits, "kiwi"].sort());
    } finally {
      await stack.remove();
    }
  });
});
