// Full run only: pods that few users make.
// Pods with additions of the user: a sidecar, a claim that two batches use in turn, a suspended Job.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { environment, onPlatform } from "../../support/platform.ts";
import { TestStack } from "../../support/stack.ts";

const NODE = "node:24-slim";

/** Leaves processes behind that nobody waits for, and prints how many of them stay zombies. */
const ORPHANS = `
for i in 1 2 3 4 5 6 7 8; do (setsid sh -c 'sleep 0.01 & exit' &); done
for look in $(seq 50); do
  sleep 0.1
  zombies=$(cat /proc/[0-9]*/status 2>/dev/null | grep -c '^State:.Z')
  [ $zombies = 0 ] && break
done
echo $zombies`;

const apply = (object: object) =>
  execa("kubectl", ["apply", "-f", "-"], { env: environment(), input: JSON.stringify(object) });

describe("the workers' pods", () => {
  const stack = new TestStack({ imageName: undefined, items: ["a", "b"], parallelism: 1 });

  onPlatform(async () => {
    await stack.init();
    await stack.mustUp();
  });
  after(() => stack.remove());

  const results = async () =>
    (await stack.wq("results", "--json")).out
      .split("\n")
      .map((line) => (JSON.parse(line) as { result: unknown }).result);

  it("may have a native sidecar beside `c`, which ends with it", async () => {
    const sidecar = {
      name: "sidecar",
      image: NODE,
      restartPolicy: "Always",
      command: [
        "node",
        "-e",
        "process.on('SIGTERM', () => process.exit()); require('fs').writeFileSync('/shared/hello', 'from the sidecar'); setInterval(() => {}, 1000)",
      ],
      volumeMounts: [{ name: "shared", mountPath: "/shared" }],
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    };
    const volumes = [{ name: "shared", emptyDir: {} }];
    const containers = [{ name: "c", volumeMounts: [{ name: "shared", mountPath: "/shared" }] }];
    await stack.mustUp({
      pod: { spec: { initContainers: [sidecar], volumes, containers } },
      command: ["sh", "-c", "until cat /shared/hello 2>/dev/null; do sleep 0.1; done"],
      run: "2",
    });
    assert.deepEqual(await results(), ["from the sidecar", "from the sidecar"]);
    assert.match(await stack.kubectl("get", "job/job-wq-2", "-o", "jsonpath={.status.conditions[*].type}"), /Complete/);
  });

  it("may have no sidecar that goes on: `up` names it, instead of waiting for ever", async () => {
    const sidecar = {
      name: "proxy",
      image: NODE,
      command: ["node", "-e", "setInterval(() => {}, 1000)"],
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    };
    const { text } = await stack.up({ auxPod: { spec: { containers: [sidecar] } }, pod: undefined, run: "2b" });
    assert.match(text, /error: Pod job-wq-2-seed-\S+ cannot end, since its container proxy goes on: a label/);
    // Of the workers' pods one may end by itself, and `up` does not wait for them.
    stack.set({ auxPod: undefined, pod: { spec: { containers: [sidecar] } } });
    assert.match((await stack.preview()).text, /warning: Batch job-wq-2: container proxy of `pod` must end by itself/);
  });

  it("share a claim that one batch writes and the next one reads", async () => {
    const { namespace } = stack;
    const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "16Mi" } } };
    await apply({ apiVersion: "v1", kind: "PersistentVolumeClaim", metadata: { name: "films", namespace }, spec });
    const settings = { pod: undefined, claims: { films: "/films" } };
    await stack.mustUp({
      ...settings,
      command: ["sh", "-c", `echo "cut of $ITEM" > /films/$ITEM; ${ORPHANS}`],
      run: "3",
    });
    assert.deepEqual(await results(), [0, 0], "orphans were reaped");
    await stack.mustUp({ command: ["sh", "-c", "cat /films/$ITEM"], run: "4" });
    assert.deepEqual(await results(), ["cut of a", "cut of b"]);
    await stack.mustUp({ claims: undefined, command: undefined, run: "5" });
  });

  it("may be suspended and resumed by hand: `up` says so, and no attempt is lost", async () => {
    const before = await stack.kubectl("get", "job/job-wq-2", "-o", "jsonpath={.metadata.uid}");
    stack.set({ items: ["a", "b", "c", "d"], workSeconds: 3, run: "6" });
    const up = stack.start("up", "--yes", "--skip-preview");
    let output = "";
    up.all.on("data", (chunk: Buffer) => (output += chunk.toString()));
    const suspend = (value: boolean) =>
      stack.kubectl("patch", "job/job-wq-2", "-p", JSON.stringify({ spec: { suspend: value } }));
    const selector = `job-name=job-wq-2,controller-uid!=${before}`;
    while (!/Working on b/.test(await stack.kubectl("logs", "-l", selector, "--tail=-1").catch(() => "")))
      await sleep(200);
    await suspend(true);
    await sleep(5_000);
    await suspend(false);
    const { exitCode, all } = await up;
    assert.equal(exitCode, 0, all);
    assert.match(await stack.verdict(), /all 4 items done/);
    assert.match((await stack.wq("status", "--json")).out, /"lost":0/);
  });

  it("wait for Kueue with a warning in its words", async () => {
    // Only what `up` reads of Kueue: its Workloads.
    const group = "kueue.x-k8s.io";
    const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
    const names = { kind: "Workload", plural: "workloads", singular: "workload" };
    const versions = [{ name: "v1beta1", served: true, storage: true, schema }];
    const metadata = {
      name: `workloads.${group}`,
      annotations: { "api-approved.kubernetes.io": "unapproved, a test" },
    };
    const spec = { group, scope: "Namespaced", names, versions };
    await apply({ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata, spec });
    try {
      await stack.kubectl("wait", "--for=condition=Established", `crd/workloads.${group}`, "--timeout=30s");
      stack.set({ kueueQueue: "team-a", run: "7", items: ["a"], workSeconds: 0 });
      const up = stack.start("up", "--yes", "--skip-preview");
      let output = "";
      up.all.on("data", (chunk: Buffer) => (output += chunk.toString()));
      const get = (path: string) =>
        stack.kubectl("get", "job/job-wq-2-seed", "-o", `jsonpath={${path}}`).catch(() => "");
      while (!(await get(".metadata.labels.kueue\\.x-k8s\\.io/queue-name"))) await sleep(100);
      // This is what Kueue's webhook and controller do.
      await stack.kubectl("patch", "job/job-wq-2-seed", "-p", '{"spec":{"suspend":true}}');
      const uid = await get(".metadata.uid");
      const owner = { apiVersion: "batch/v1", kind: "Job", name: "job-wq-2-seed", uid };
      const message = "couldn't assign flavors to pod set main: insufficient quota for cpu";
      await apply({
        apiVersion: `${group}/v1beta1`,
        kind: "Workload",
        metadata: { name: "seed", namespace: stack.namespace, ownerReferences: [owner] },
        status: { conditions: [{ type: "QuotaReserved", status: "False", message }] },
      });
      for (let i = 0; !output.includes(message) && i < 600; i++) await sleep(200);
      assert.match(output, /warning: Job job-wq-2-seed is suspended: couldn't assign flavors/);
      up.kill("SIGINT");
      await up;
    } finally {
      await stack.kubectl("delete", `crd/workloads.${group}`);
    }
  });
});
