// Stacks that are changed or destroyed while their workers work, in a namespace that existed before.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { kubectl, onPlatform, say } from "../../support/platform.ts";
import { TestStack } from "../../support/stack.ts";

/** All objects of a namespace, without those of Kubernetes itself. */
const kinds =
  "pods,jobs,services,endpointslices,configmaps,secrets,persistentvolumeclaims,statefulsets,networkpolicies";

describe("a running pipeline", () => {
  const stack = new TestStack({ createNamespace: false, parallelism: 1, items: ["first", "second"], workSeconds: 600 });
  const listing = () => stack.kubectl("get", kinds, "-o", "name");
  let before_: string;

  onPlatform(async () => {
    await stack.init();
    await kubectl("create", "namespace", stack.namespace);
    await kubectl("label", "namespace", stack.namespace, "pod-security.kubernetes.io/enforce=restricted");
    for (let i = 0; !(before_ = await listing()).includes("kube-root-ca.crt") && i < 50; i++) await sleep(100);
  });
  after(() => stack.remove());

  /** Waits until a worker says that it works on an item. */
  async function working(): Promise<void> {
    for (let i = 0; i < 150; i++) {
      const { text } = await say("kubectl", ["-n", stack.namespace, "logs", "-l", "job-name=job-wq-2", "--tail=-1"]);
      if (/^Working on /m.test(text)) return;
      await sleep(200);
    }
    assert.fail("no worker has taken anything");
  }

  it("is not waited for with `wait: false`, but supervised", async () => {
    await stack.mustUp({ wait: false });
    assert.match(await listing(), /job-wq-2-supervisor/);
    await working();
    assert.match(await stack.kubectl("get", "job/job-wq-2", "-o", "jsonpath={.status}"), /"active":1/);
  });

  it("has nothing to change while it runs", async () => {
    const { ok, text } = await stack.preview("--expect-no-changes");
    assert.ok(ok, text);
  });

  it("is replaced while it runs: the item in flight is given back, and not lost", async () => {
    const uid = () => stack.kubectl("get", "job/job-wq-2", "-o", "jsonpath={.metadata.uid}");
    const old = await uid();
    await stack.mustUp({ parallelism: 2, gracePeriod: "0s" });
    assert.notEqual(await uid(), old);
    // `kubectl logs` fails while the pod has no container yet.
    const items = () => stack.items().catch(() => []);
    for (let i = 0; (await items()).length < 2 && i < 100; i++) await sleep(200);
    assert.deepEqual(await items(), ["first", "second"], await stack.redis("hgetall", "{job2}:items"));
  });

  it("prints commands to watch it before `up` waits, and these work as they are", async () => {
    const run = stack.up({ wait: true, parallelism: 1, workSeconds: 2, run: "2" });
    await working();
    const { text } = await run;
    const commands = [...text.matchAll(/index:Batch job-wq-2 .*?(kubectl .*)$/gm)].map(([, command]) => command!);
    assert.equal(commands.length, 4);
    for (const command of commands) {
      const { ok, text } = await say("sh", ["-c", command]);
      assert.ok(ok, `${command}: ${text}`);
    }
    assert.ok(text.indexOf(commands[0]!) < text.indexOf(" of 2 items"), text);
  });

  it("is destroyed with one item in flight and one waiting, and leaves the namespace as it was", async () => {
    await stack.mustUp({ wait: false, workSeconds: 600, run: "3" });
    await working();
    assert.equal(await stack.redis("llen", "job2"), "1");
    const { ok, text } = await stack.pulumi("destroy", "--yes", "--skip-preview");
    assert.ok(ok, text);
    assert.equal(await listing(), before_);
  });
});
