import assert from "node:assert/strict";
import { findBatches, findRedis, pickBatch } from "../../../../cli/stack/batches.ts";
import { parseStackExport } from "../../../../cli/stack/stackExport.ts";

const urn = (type: string, name: string) => `urn:pulumi:prod::media::${type}::${name}`;
const secret = (value: unknown) => ({
  "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
  plaintext: JSON.stringify(value),
});
const STACK = urn("pulumi:pulumi:Stack", "media-prod");
const BATCH = "job-wq-2:index:Batch";
const JOB = "kubernetes:batch/v1:Job";
const PROVIDER = "pulumi:providers:kubernetes";

/** A component `Batch` that has registered its outputs, with its worker Job, as the state has them. */
function batch(name: string, redis: object, provider: string) {
  const component = urn(BATCH, name);
  const job = urn(`${BATCH}$${JOB}`, `${name}-workers`);
  const annotations = { "job-wq-2/owner": "media/prod" };
  const outputs = { name, namespace: "media", queue: `q-${name}`, workerJob: name, redis };
  return [
    { urn: component, type: BATCH, parent: STACK, inputs: {}, outputs },
    { urn: `${component}-inner`, type: "job-wq-2:index:Inner", parent: component },
    { urn: job, type: JOB, parent: `${component}-inner`, provider, inputs: { metadata: { name, annotations } } },
    {
      urn: urn(`${BATCH}$${JOB}`, `${name}-supervisor`),
      type: JOB,
      parent: component,
      provider,
      inputs: { metadata: { labels: { "app.kubernetes.io/component": "supervisor" } } },
      outputs: { metadata: { name: `${name}-x1` } },
    },
  ];
}

const own = { namespace: "media", pod: "redis-master", passwordSecret: "redis" };
const managed = { namespace: "media", url: "rediss://:hush@managed:6380", ca: "PEM" };
const defaultProvider = { urn: urn(PROVIDER, "default_4_34_2"), id: "id-1", type: PROVIDER, inputs: {} };
const otherProvider = {
  urn: urn(PROVIDER, "other"),
  id: "id-2",
  type: PROVIDER,
  inputs: { kubeconfig: secret("/other"), context: "prod" },
};

/** The text of `pulumi stack export --show-secrets`. */
const exported = (...resources: object[]) => JSON.stringify({ version: 3, deployment: { resources } });
const stack = { urn: STACK, type: "pulumi:pulumi:Stack" };
const both = parseStackExport(
  exported(
    stack,
    defaultProvider,
    otherProvider,
    ...batch("thumbs", own, `${defaultProvider.urn}::id-1`),
    ...batch("index", secret(managed), `${otherProvider.urn}::id-2`),
  ),
);

describe("batches of a stack's state", () => {
  it("finds each batch with its Redis, its worker Job and its cluster, secrets in plain text", () => {
    const here = {};
    const other = { kubeconfig: "/other", context: "prod" };
    assert.equal(both.stack, "prod");
    assert.deepEqual(findBatches(both), [
      {
        name: "thumbs",
        namespace: "media",
        queue: "q-thumbs",
        workerJob: "thumbs",
        workerUrn: urn(`${BATCH}$${JOB}`, "thumbs-workers"),
        owner: "media/prod",
        redis: { ...own, cluster: here, relay: { namespace: "media", jobs: ["thumbs-x1", "thumbs"] } },
        cluster: here,
      },
      {
        name: "index",
        namespace: "media",
        queue: "q-index",
        workerJob: "index",
        workerUrn: urn(`${BATCH}$${JOB}`, "index-workers"),
        owner: "media/prod",
        redis: { ...managed, cluster: other, relay: { namespace: "media", jobs: ["index-x1", "index"] } },
        cluster: other,
      },
    ]);
  });

  it("takes the stack's only cluster while a batch has no children yet", () => {
    const [component] = batch("thumbs", own, "");
    const state = parseStackExport(exported(stack, otherProvider, component!));
    const [found] = findBatches(state);
    assert.deepEqual(found!.cluster, { kubeconfig: "/other", context: "prod" });
    assert.equal(found!.workerUrn, undefined);
  });

  it("leaves out a batch that has not registered its outputs, and one that was replaced", () => {
    const [component, ...children] = batch("thumbs", own, "");
    const unregistered = { ...component, outputs: {} };
    assert.deepEqual(findBatches(parseStackExport(exported(stack, unregistered, ...children))), []);
    assert.deepEqual(findBatches(parseStackExport(exported(stack, { ...component, delete: true }))), []);
    for (const text of [exported(), "{}", '{"deployment":{}}'])
      assert.deepEqual(findBatches(parseStackExport(text)), []);
  });

  it("has resources that a killed Pulumi was creating, and none that it was deleting", () => {
    const secretOf = (name: string) => ({
      urn: urn("kubernetes:core/v1:Secret", name),
      type: "kubernetes:core/v1:Secret",
    });
    const operations = ["creating", "deleting"].map((type) => ({ type, resource: secretOf(type) }));
    const text = JSON.stringify({ deployment: { resources: [stack], pending_operations: operations } });
    assert.deepEqual(parseStackExport(text).pending, [secretOf("creating")]);
    assert.deepEqual(both.pending, []);
  });

  it("has no URN of workers if a batch has none", () => {
    const [component, ...children] = batch("thumbs", own, "");
    const outputs = { ...(component as { outputs: object }).outputs, workerJob: undefined };
    const [found] = findBatches(parseStackExport(exported(stack, { ...component, outputs }, ...children)));
    assert.deepEqual([found!.workerJob, found!.workerUrn], [undefined, undefined]);
  });

  it("lists each Redis once, also that of a stack without batches", () => {
    const component = {
      urn: urn("job-wq-2:index:Redis", "redis"),
      type: "job-wq-2:index:Redis",
      outputs: { location: own },
    };
    const store = parseStackExport(exported(stack, otherProvider, component));
    assert.deepEqual(findRedis(store), [{ ...own, cluster: { kubeconfig: "/other", context: "prod" } }]);
    assert.deepEqual(
      findRedis(both).map(({ pod, url }) => pod ?? url),
      ["redis-master", "rediss://:hush@managed:6380"],
    );
  });

  it("lists two of one name if they are in two clusters", () => {
    const here = batch("here", own, `${defaultProvider.urn}::id-1`);
    const there = batch("there", own, `${otherProvider.urn}::id-2`);
    const state = parseStackExport(exported(stack, defaultProvider, otherProvider, ...here, ...there));
    assert.deepEqual(
      findRedis(state).map(({ cluster }) => cluster),
      [{}, { kubeconfig: "/other", context: "prod" }],
    );
  });

  const picks: [does: string, names: string[], name: string | undefined, line: string][] = [
    ["lists several", ["a", "b"], undefined, "stack dev has several batches: choose one with --batch NAME (a, b)"],
    ["lists those there are", ["a", "b"], "c", "stack dev has no batch c; it has a, b"],
    ["says that there is none", [], undefined, "stack dev has no batch yet: run `pulumi up`"],
    ["says that there is none of that name", [], "c", "stack dev has no batch c; it has none"],
  ];
  const named = (names: string[]) => names.map((name) => ({ ...findBatches(both)[0]!, name }));
  for (const [does, names, name, message] of picks) {
    it(`${does} in one line`, () => {
      assert.throws(() => pickBatch(named(names), name, "stack dev"), { name: "UserError", message });
    });
  }
  it("picks the only batch, or the one that is named", () => {
    assert.equal(pickBatch(named(["a"]), undefined, "stack dev").name, "a");
    assert.equal(pickBatch(named(["a", "b"]), "b", "stack dev").name, "b");
  });
});
