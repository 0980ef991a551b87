// Runs alone: it kills nodes.
// Full run only: other tests use the nodes that it kills.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { pollUntil } from "../../../kube/poll.ts";
import { running } from "../../../local/node/daemon.ts";
import { killNode, nodeNames, reviveNode } from "../../support/nodes.ts";
import { platform, platformVariables } from "../../support/platform.ts";

const namespace = `nodes-test-${process.pid}`;
const PODS = 6;

/** Pods with a claim each. A pod stays on the node of its volume. */
const manifest = `
apiVersion: v1
kind: Namespace
metadata: {name: ${namespace}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: s, namespace: ${namespace}}
spec:
  serviceName: s
  replicas: ${PODS}
  podManagementPolicy: Parallel
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}
  selector: {matchLabels: {app: s}}
  template:
    metadata: {labels: {app: s}}
    spec:
      terminationGracePeriodSeconds: 0
      securityContext: {runAsUser: 1000, runAsNonRoot: true, fsGroup: 1000}
      containers:
        - name: c
          image: redis:8
          command: ["sh", "-c", "date +%s%N >> /data/starts; exec sleep 3600"]
          volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
    - metadata: {name: data}
      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 64Mi}}}
`;

interface Pod {
  metadata: { name: string };
  spec: { nodeName?: string };
  status: { conditions?: { type: string; status: string }[]; containerStatuses?: { restartCount: number }[] };
}

describe("the platform's nodes", function () {
  this.timeout(10 * 60_000);
  let env: Record<string, string>;
  const kubectl = async (args: string[], input?: string) =>
    (await execa("kubectl", args, { env, ...(input !== undefined && { input }) })).stdout;
  const pods = async () =>
    (JSON.parse(await kubectl(["get", "pods", "-n", namespace, "-o", "json"])) as { items: Pod[] }).items;
  const rollout = () => kubectl(["rollout", "status", "-n", namespace, "sts/s", "--timeout=120s"]);
  const volumes = async () => {
    const claims = `{range .items[?(@.spec.claimRef.namespace=="${namespace}")]}{.metadata.name} {.status.phase}{"\\n"}{end}`;
    return (await kubectl(["get", "pv", "-o", `jsonpath=${claims}`])).split("\n").filter(Boolean);
  };

  before(async () => {
    const up = await platform("up", "--nodes", "2");
    assert.equal(up.exitCode, 0, up.all);
    env = await platformVariables();
    await kubectl(["apply", "-f", "-"], manifest);
    await rollout();
  });
  after(async () => {
    await platform("up");
    await kubectl(["delete", "namespace", namespace, "--wait=false"]);
  });

  it("are both Ready, and status says so", async () => {
    const { stdout, exitCode } = await platform("status");
    assert.equal(exitCode, 0, stdout);
    for (const name of nodeNames) assert.match(stdout, new RegExp(`│ node ${name} +│ ready `));
  });

  it("share the pods, whose volumes only their own node may use", async () => {
    const all = await pods();
    const used = new Set(all.map(({ spec }) => spec.nodeName));
    assert.deepEqual([...used].sort(), [...nodeNames].sort());
    const volumeNodes = "{.spec.claimRef.name} {.spec.nodeAffinity.required..values[0]}{'\\n'}".replaceAll("'", '"');
    const text = await kubectl([
      "get",
      "pv",
      "-o",
      `jsonpath={range .items[?(@.spec.claimRef.namespace=="${namespace}")]}${volumeNodes}{end}`,
    ]);
    const expected = all.map(({ metadata, spec }) => `data-${metadata.name} ${spec.nodeName}`);
    assert.deepEqual(text.split("\n").filter(Boolean).sort(), expected.sort());
  });

  it("reach each other's pods, and answer for logs and exec", async () => {
    const [a, b] = nodeNames.map((node) => async () => (await pods()).find(({ spec }) => spec.nodeName === node)!);
    for (const pod of [await a!(), await b!()]) {
      const said = await kubectl([
        "exec",
        "-n",
        namespace,
        pod.metadata.name,
        "--",
        "getent",
        "hosts",
        "kubernetes.default",
      ]);
      assert.match(said, /^10\.96\.0\.1\s/);
    }
  });

  for (const name of nodeNames) {
    it(`can be killed and come back with their pods, while those of the other node stay: ${name}`, async () => {
      const before = await pods();
      const restarts = ({ status }: Pod) => status.containerStatuses![0]!.restartCount;
      await killNode(name);
      assert.equal((await platform("status")).exitCode, 1);
      await reviveNode(name);
      const hasRestarted = async () => {
        const now = new Map((await pods()).map((pod) => [pod.metadata.name, pod]));
        const lost = before.filter(({ spec }) => spec.nodeName === name);
        return lost.every((pod) => {
          const again = now.get(pod.metadata.name);
          const ready = again?.status.conditions?.some((one) => one.type === "Ready" && one.status === "True");
          return ready && restarts(again!) === restarts(pod) + 1;
        });
      };
      assert.ok(await pollUntil(hasRestarted, { timeoutMs: 60_000, intervalMs: 250 }));
      const others = (await pods()).filter(({ spec }) => spec.nodeName !== name);
      const unchanged = before.filter(({ spec }) => spec.nodeName !== name);
      assert.deepEqual(others.map(restarts), unchanged.map(restarts));
      const pod = before.find(({ spec }) => spec.nodeName === name)!.metadata.name;
      const starts = await kubectl(["exec", "-n", namespace, pod, "--", "cat", "/data/starts"]);
      assert.ok(starts.split("\n").length >= 2, "the volume has what was written before");
    });
  }

  it("are brought back by `platform up`", async () => {
    await killNode(nodeNames[1]!);
    const up = await platform("up");
    assert.equal(up.exitCode, 0, up.all);
    assert.match(up.all, /kubelet-b: started/);
    await rollout();
  });

  it("free volumes by themselves: there can be more claims in turn than volumes at a time", async () => {
    for (let turn = 0; turn < 3; turn++) {
      await kubectl(["delete", "sts", "-n", namespace, "s"]);
      const none = async () => (await volumes()).length === 0;
      assert.ok(await pollUntil(none, { timeoutMs: 60_000, intervalMs: 250 }), (await volumes()).join());
      await kubectl(["apply", "-f", "-"], manifest);
      await rollout();
      assert.equal((await volumes()).filter((line) => line.endsWith("Bound")).length, PODS);
    }
  });

  it("provide volumes also after the API server was away", async () => {
    await kubectl(["delete", "sts", "-n", namespace, "s", "--wait=false"]);
    process.kill(running("apiserver")!.pid, "SIGKILL");
    await sleep(1_000);
    const up = await platform("up");
    assert.equal(up.exitCode, 0, up.all);
    const none = async () => (await volumes()).length === 0;
    assert.ok(await pollUntil(none, { timeoutMs: 60_000, intervalMs: 250 }), (await volumes()).join());
    await kubectl(["apply", "-f", "-"], manifest);
    await rollout();
  });

  it("can be one after they were two and stopped, without a trace of the other", async () => {
    for (const args of [["down"], ["up", "--nodes", "1"]]) {
      const { exitCode, all } = await platform(...args);
      assert.equal(exitCode, 0, all);
    }
    assert.equal(await kubectl(["get", "nodes", "-o", "name"]), `node/${nodeNames[0]}`);
    await rollout();
    assert.equal((await platform("up", "--nodes", "2")).exitCode, 0);
  });

  it("can be one, and two again", async () => {
    const one = await platform("up", "--nodes", "1");
    assert.equal(one.exitCode, 0, one.all);
    assert.equal(await kubectl(["get", "nodes", "-o", "name"]), `node/${nodeNames[0]}`);
    // The lost node's pod is created anew, with a new volume.
    await rollout();
    assert.deepEqual(new Set((await pods()).map(({ spec }) => spec.nodeName)), new Set([nodeNames[0]]));
    const two = await platform("up", "--nodes", "2");
    assert.equal(two.exitCode, 0, two.all);
    assert.equal((await kubectl(["get", "nodes", "-o", "name"])).split("\n").length, 2);
  });
});
