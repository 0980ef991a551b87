import assert from "node:assert/strict";
import { kindOf, replacing } from "../../../../local/plugins/kubernetes/kinds.ts";
import { readiness } from "../../../../local/plugins/kubernetes/await.ts";
import { differences, type Fields, merged, plain, secret, settled } from "../../../../local/plugins/values.ts";

const urn = (type: string) => `urn:pulumi:dev::job-wq-2::workqueue:index:X$kubernetes:${type}::name`;

/** Kind, change, and what the official provider makes of it (its forceNew tables). */
const changes: [kind: string, before: Fields, after: Fields, replaces: string[]][] = [
  ["batch/v1:Job", { spec: { parallelism: 2 } }, { spec: { parallelism: 3 } }, ["spec.parallelism"]],
  ["batch/v1:Job", { spec: { template: { a: 1 } } }, { spec: { template: { a: 2 } } }, ["spec.template.a"]],
  ["batch/v1:Job", { spec: { activeDeadlineSeconds: 1 } }, { spec: { activeDeadlineSeconds: 2 } }, []],
  ["batch/v1:Job", { metadata: { name: "a" } }, { metadata: { name: "b" } }, ["metadata.name"]],
  ["batch/v1:Job", { metadata: { labels: { a: "1" } } }, { metadata: { labels: { a: "2" } } }, []],
  ["core/v1:Secret", { stringData: { a: "1" } }, { stringData: { a: "2" } }, ["stringData.a"]],
  ["core/v1:ConfigMap", { binaryData: { a: "1" } }, { binaryData: { a: "2" } }, ["binaryData.a"]],
  [
    "core/v1:Pod",
    { spec: { containers: [{ args: ["a"] }] } },
    { spec: { containers: [{ args: ["b"] }] } },
    ["spec.containers.0.args.0"],
  ],
  ["core/v1:Pod", { spec: { containers: [{ image: "a" }] } }, { spec: { containers: [{ image: "b" }] } }, []],
  ["core/v1:Service", { spec: { ports: [1] } }, { spec: { ports: [2] } }, []],
  ["apps/v1:StatefulSet", { spec: { serviceName: "a" } }, { spec: { serviceName: "b" } }, ["spec.serviceName"]],
  ["apps/v1:StatefulSet", { spec: { replicas: 1 } }, { spec: { replicas: 2 } }, []],
  ["networking.k8s.io/v1:NetworkPolicy", { spec: { a: 1 } }, { spec: { a: 2 } }, []],
  ["core/v1:Namespace", { metadata: { name: "a" } }, { metadata: { name: "b" } }, ["metadata.name"]],
];

const condition = (type: string, reason?: string): Fields => ({
  status: { conditions: [{ type, status: "True", reason: reason ?? "", message: "why" }] },
});
const annotated = (name: string, value: string): Fields => ({
  metadata: { annotations: { [`pulumi.com/${name}`]: value } },
  status: {},
});

/** Kind, live object, and what it means for the wait (provider/pkg/await). */
const readinesss: [title: string, kind: string, live: Fields, expected: unknown][] = [
  ["a complete Job is ready", "jobs", condition("Complete"), { ready: true }],
  [
    "a Job over its backoff limit will never be",
    "jobs",
    condition("Failed", "BackoffLimitExceeded"),
    { failed: ["why"] },
  ],
  ["a Job over its deadline will never be", "jobs", condition("Failed", "DeadlineExceeded"), { failed: ["why"] }],
  [
    "a Job that failed for another reason is waited for",
    "jobs",
    condition("Failed", "PodFailurePolicy"),
    { waiting: ["the Job is not complete"] },
  ],
  ["skipAwait is ready at once", "jobs", annotated("skipAwait", "true"), { ready: true }],
  [
    "waitFor waits for its path",
    "jobs",
    annotated("waitFor", "jsonpath={.status.startTime}"),
    { waiting: ["no status.startTime yet"] },
  ],
  [
    "waitFor waits for its condition",
    "pods",
    annotated("waitFor", "condition=Ready"),
    { waiting: ["it is not Ready yet"] },
  ],
  [
    "waitFor is over when its condition is met",
    "pods",
    { ...annotated("waitFor", "condition=Ready"), ...condition("Ready") },
    { ready: true },
  ],
  ["a Ready Pod is ready", "pods", condition("Ready"), { ready: true }],
  ["a Secret is ready when it is there", "secrets", {}, { ready: true }],
];

describe("the local kubernetes plugin", () => {
  for (const [kind, before, after, expected] of changes) {
    it(`${kind}: ${JSON.stringify(before)} → ${JSON.stringify(after)} ${expected.length ? "makes a new one" : "is updated in place"}`, () => {
      assert.deepEqual(replacing(kindOf(urn(kind)), differences(before, after)), expected);
    });
  }

  for (const [title, kind, live, expected] of readinesss)
    it(title, () => assert.deepEqual(readiness(kind, live), expected));

  it("refuses any other kind by name", () => {
    assert.throws(
      () => kindOf(urn("core/v1:ReplicationController")),
      /has no core\/v1:ReplicationController, only core\/v1:Namespace, /,
    );
  });

  it("merges the live object under the inputs, whose secrets stay so", () => {
    const live = { metadata: { name: "a", uid: "u" }, spec: { a: 1, list: [1, 2] }, stringData: { k: "plain" } };
    const inputs = { metadata: { name: "a" }, spec: { list: [3] }, stringData: secret({ k: "v" }) };
    assert.deepEqual(merged(live, inputs), {
      metadata: { name: "a", uid: "u" },
      spec: { a: 1, list: [3] },
      stringData: secret({ k: "v" }),
    });
  });

  it("compares values as they are, whatever they are wrapped in", () => {
    assert.deepEqual(plain({ a: secret("x"), b: [secret({ c: 1 })] }), { a: "x", b: [{ c: 1 }] });
    const output = { "4dabf18193072939515e22adb298388d": "d0e6a833031e9bbcd3f4e8bde6ca49a4", value: "v", secret: true };
    assert.deepEqual(settled({ a: output }), { a: secret("v") });
    assert.deepEqual(differences({ a: { b: 1 }, c: [1, 2] }, { a: { b: 2 }, c: [1] }), [["a", "b"], ["c"]]);
  });
});
