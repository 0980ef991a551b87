// A list from the first `up` to `destroy`. Each test goes on from the one before, as a user does.
import assert from "node:assert/strict";
import { onPlatform } from "../../support/platform.ts";
import { fruits, type Settings, TestStack } from "../../support/stack.ts";

describe("the pipeline", () => {
  const stack = new TestStack({ parallelism: 2, workSeconds: 1, createNamespace: true });

  onPlatform(async () => {
    await stack.init();
  });
  after(() => stack.remove());

  /** Resources that `up` would change with these settings, by operation, as a preview shows them. */
  async function changes(settings: Settings): Promise<Record<string, string[]>> {
    stack.set(settings);
    const { ok, text } = await stack.preview("--json");
    assert.ok(ok, text);
    const { steps } = JSON.parse(text.slice(text.indexOf("{"))) as { steps: { op: string; urn: string }[] };
    const byChange: Record<string, string[]> = {};
    for (const { op, urn } of steps.filter(({ op }) => op !== "same")) {
      const [type, name] = urn.split("::").slice(-2);
      (byChange[`${op} ${type!.split(":").at(-1)}`] ??= []).push(name!);
    }
    for (const names of Object.values(byChange)) names.sort();
    return byChange;
  }

  it("does nine fruits, each exactly once, by two pods, in a namespace that enforces `restricted`", async () => {
    const { text } = await stack.mustUp();
    const worked = await stack.worked();
    assert.deepEqual(
      worked.map(({ item }) => item),
      fruits,
    );
    assert.equal(new Set(worked.map(({ pod }) => pod)).size, 2);
    const label = await stack.kubectl("get", "namespace", stack.namespace, "-o", "jsonpath={.metadata.labels}");
    assert.match(label, /"pod-security.kubernetes.io\/enforce":"restricted"/);
    assert.match(text, /kubectl -n \S+ describe jobs\/job-wq-2/);
  });

  it("answers the commands of the Kubernetes page", async () => {
    assert.match(
      await stack.kubectl("describe", "jobs/job-wq-2"),
      /Parallelism:\s+2\nCompletions:\s+<unset>[^]*Succeeded/,
    );
    assert.match(
      await stack.kubectl("wait", "--for=condition=complete", "--timeout=300s", "job/job-wq-2"),
      /job.batch\/job-wq-2 condition met/,
    );
    assert.equal(await stack.redis("lrange", "job2", "0", "-1"), "");
    const logs = await stack.kubectl("logs", "-l", "job-name=job-wq-2", "--tail=-1");
    for (const line of [
      /^Worker with sessionID: \S+$/m,
      /^Initial queue state: empty=False$/m,
      /^Queue empty, exiting$/m,
    ]) {
      assert.match(logs, line);
    }
  });

  it("has nothing to change afterwards, neither by preview nor by refresh", async () => {
    const preview = await stack.preview("--expect-no-changes");
    assert.ok(preview.ok, preview.text);
    const refresh = await stack.pulumi("refresh", "--yes", "--expect-no-changes");
    assert.ok(refresh.ok, refresh.text);
  });

  it("shows what another setting would change, and nothing else", async () => {
    const ran = { "replace Job": ["job-wq-2-supervisor"], "replace ConfigMap": ["job-wq-2-verdict"] };
    const reader = ["job-wq-2-supervisor"];
    assert.deepEqual(await changes({ activeDeadline: "2h", parallelism: "1..3" }), {
      ...ran,
      "update Job": ["job-wq-2-workers"],
      "create ServiceAccount": reader,
      "create Role": reader,
      "create RoleBinding": reader,
    });
    stack.set({ activeDeadline: undefined, parallelism: 2 });
    // Its data goes with the Pod, so everything runs again.
    assert.deepEqual(await changes({ labels: { team: "blue" }, redisMemory: "128Mi" }), {
      ...ran,
      "replace Job": ["job-wq-2-seed", "job-wq-2-supervisor", "job-wq-2-workers"],
      "replace Pod": ["redis-pod"],
      "update ConfigMap": ["job-wq-2-seed-items"],
      "update NetworkPolicy": ["job-wq-2-policy", "redis-policy"],
      "update Secret": ["redis-password"],
      "update Service": ["redis-service"],
    });
    stack.set({ labels: undefined, redisMemory: undefined });
  });

  it("runs only an item that was added", async () => {
    await stack.mustUp({ items: [...fruits, "kiwi"] });
    assert.deepEqual(await stack.items(), ["kiwi"]);
  });

  it("runs everything again when `run` changes", async () => {
    await stack.mustUp({ run: "2" });
    assert.deepEqual(await stack.items(), [...fruits, "kiwi"].sort());
  });

  it("leaves nothing when it is destroyed", async () => {
    const { ok, text } = await stack.pulumi("destroy", "--yes", "--skip-preview");
    assert.ok(ok, text);
    await assert.rejects(stack.kubectl("get", "namespace", stack.namespace), /NotFound/);
  });
});
