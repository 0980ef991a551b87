import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type * as Components from "../../../components/index.ts";
import {
  created,
  inputsOf,
  optionsOf,
  recorder,
  registered,
  reset,
  startMocks,
  summary,
  valueOf,
} from "../../support/mockProgram.ts";

describe("Redis", () => {
  let Redis: typeof Components.Redis;

  /** The certificate in a Secret, and the path at which the Secret says that pods find it. */
  function trusted(secret: string): { ca?: string; path?: string } {
    const { ca, "ca-file": path } = inputsOf(secret).texts as Record<string, string>;
    return { ca, path };
  }

  /** The path of the certificate in a pod. Variable and volume are optional, so a pod starts without one. */
  function pathOf({ env, volumes, volumeMounts }: Components.Redis["access"]): string {
    const variable = env.find(({ name }) => name === "NODE_EXTRA_CA_CERTS") as {
      valueFrom: { secretKeyRef: { name: string; key: string; optional: boolean } };
    };
    const [{ name, secret }] = volumes as [{ name: string; secret: Record<string, unknown> }];
    const [mount] = volumeMounts as [{ name: string; mountPath: string }];
    const { name: secretName, ...ref } = variable.valueFrom.secretKeyRef;
    assert.deepEqual(ref, { key: "ca-file", optional: true });
    assert.deepEqual(secret, { secretName, optional: true, items: [{ key: "ca", path: "ca" }] });
    assert.equal(mount.name, name);
    return `${mount.mountPath}/ca`;
  }

  before(async () => {
    await startMocks();
    ({ Redis } = await import("../../../components/index.ts"));
  });
  beforeEach(reset);

  it("runs the image that a digest names, and no other", async () => {
    const image = `redis:8@sha256:${"0".repeat(64)}`;
    new Redis("redis", { namespace: "fruits", image }, recorder);
    await registered();
    assert.equal(inputsOf("redis-pod").spec.containers[0].image, image);
  });

  it("creates the page's Pod and Service, with a password and a policy", async () => {
    new Redis("redis", { namespace: "fruits" }, recorder);
    await registered();
    assert.deepEqual(summary(), [
      "NetworkPolicy redis-policy = redis",
      "Pod redis-pod = redis-master",
      "Redis redis = -",
      "Secret redis-password = redis",
      "Service redis-service = redis",
    ]);
    for (const { inputs } of created.slice(1)) assert.equal(inputs.metadata.namespace, "fruits");
    const [container] = inputsOf("redis-pod").spec.containers;
    assert.equal(container.image, "redis:8");
    assert.deepEqual([container.args[0], container.args[3]], ["sh", "redis-server"]);
    for (const words of ["--appendonly yes", "--maxmemory 161061273", "--maxmemory-policy noeviction"])
      assert.ok(container.args.join(" ").includes(words), words);
    assert.ok(!container.args.join(" ").includes("REDISCLI_AUTH"), "a list of processes shows no password");
    assert.match(container.env[1].value, /^user default on >\$\(REDISCLI_AUTH\) ~\* &\* \+@all -@dangerous -@admin /);
    assert.deepEqual(container.resources.limits, { cpu: "2", memory: "256Mi" });
    assert.deepEqual(inputsOf("redis-pod").spec.volumes, [{ name: "data", emptyDir: {} }]);
    assert.match(container.livenessProbe.exec.command[2], /PONG\|LOADING\|BUSY\|MISCONF/);
  });

  it("lets in only pods with its label, from any namespace", async () => {
    new Redis("redis", { namespace: "fruits" });
    await registered();
    const { podSelector, ingress, policyTypes, egress } = inputsOf("redis-policy").spec;
    assert.deepEqual([policyTypes, egress], [["Ingress", "Egress"], undefined], "and it reaches nobody");
    assert.equal(podSelector.matchLabels["app.kubernetes.io/component"], "redis");
    assert.equal(podSelector.matchLabels["app.kubernetes.io/instance"], "redis");
    assert.deepEqual(ingress, [
      {
        from: [{ namespaceSelector: {}, podSelector: { matchLabels: { "job-wq-2/redis": "fruits.redis" } } }],
        ports: [{ protocol: "TCP", port: 6379 }],
      },
    ]);
  });

  it("keeps its names if a patch has an output for all of its metadata", async () => {
    const annotations = { note: "redis" };
    new Redis("redis", { namespace: "fruits", pod: { metadata: pulumi.output({ annotations }) } });
    await registered();
    const { metadata } = inputsOf("redis-pod");
    const { name, namespace, labels } = metadata;
    assert.deepEqual(
      [name, namespace, labels["app.kubernetes.io/component"], metadata.annotations.note],
      ["redis-master", "fruits", "redis", "redis"],
    );
    assert.equal(metadata.annotations["job-wq-2/owner"], "job-wq-2/test");
  });

  it("generates the password once, and does not wait for the Service", async () => {
    new Redis("redis", {}, recorder);
    await registered();
    assert.deepEqual(optionsOf("redis-password").ignoreChanges, ["data"]);
    assert.equal(optionsOf("redis-pod").deleteBeforeReplace, true);
    assert.equal(inputsOf("redis-pod").metadata.annotations["pulumi.com/waitFor"], "jsonpath={.metadata.uid}");
    assert.equal(inputsOf("redis-service").metadata.annotations["pulumi.com/skipAwait"], "true");
    for (const name of ["redis-pod", "redis-service", "redis-policy", "redis-password"])
      assert.ok(optionsOf(name).parent, `${name} has a parent`);
  });

  it("is a StatefulSet with storage, whose claim goes with it", async () => {
    new Redis("redis", { storage: "1Gi", auth: false }, recorder);
    await registered();
    assert.deepEqual(optionsOf("redis-pod").ignoreChanges, ["spec.volumeClaimTemplates"]);
    assert.deepEqual(summary(), [
      "NetworkPolicy redis-policy = redis",
      "Redis redis = -",
      "Service redis-service = redis",
      "StatefulSet redis-pod = redis-master",
    ]);
    const { spec } = inputsOf("redis-pod");
    assert.equal(spec.persistentVolumeClaimRetentionPolicy.whenDeleted, "Delete");
    assert.deepEqual(spec.volumeClaimTemplates[0].spec.resources.requests, { storage: "1Gi" });
    assert.match(spec.template.spec.containers[0].env[0].value, /^user default on nopass ~/);
    assert.equal(inputsOf("redis-policy").spec.ingress[0].from[0].namespaceSelector, undefined);
    // Beside a Pod that still exists, the Service has to select this one.
    const selected = inputsOf("redis-service").spec.selector;
    assert.equal(selected["job-wq-2/data"], "claim");
    assert.deepEqual(spec.selector.matchLabels, selected);
    assert.deepEqual({ ...spec.template.metadata.labels, ...selected }, spec.template.metadata.labels);
  });

  it("is a Secret with the address of a Redis that exists, and its authority's certificate", async () => {
    const ca = "-----BEGIN CERTIFICATE-----";
    const redis = new Redis("redis", { url: "rediss://u:p@h:6380", ca });
    await registered();
    assert.deepEqual(summary(), ["Redis redis = -", "Secret redis-url = redis-url"]);
    assert.deepEqual(trusted("redis-url"), { ca, path: pathOf(redis.access) });
    assert.equal(inputsOf("redis-url").texts.url, "rediss://u:p@h:6380");
    assert.deepEqual(redis.access.env[0], {
      name: "WQ_REDIS_URL",
      valueFrom: { secretKeyRef: { name: "redis-url", key: "url" } },
    });
    assert.ok(await pulumi.isSecret(redis.location));
    // Another address means another Redis, which must be seeded.
    assert.equal(redis.storage, redis.first);
  });

  it("brings the certificate to pods in another namespace, and of another program", async () => {
    const { accessFromElsewhere } = await import("../../../components/redis/redisAddress.ts");
    const ca = "-----BEGIN CERTIFICATE-----";
    const redis = new Redis("redis", { url: "rediss://u:p@h:6380", ca: pulumi.output(ca) });
    const borrower = new Redis("borrower", { namespace: "fruits", from: redis.reference });
    const batch = { name: "batch-redis", namespace: "nuts", labels: {} };
    const elsewhere = accessFromElsewhere("batch-redis", borrower, batch, { parent: borrower });
    const paths = [redis.access, borrower.access, elsewhere].map(pathOf);
    await registered();
    for (const [index, name] of ["redis-url", "borrower-url", "batch-redis"].entries())
      assert.deepEqual(trusted(name), { ca, path: paths[index] }, name);
  });

  it("gives pods nothing more to trust if there is no certificate", async () => {
    const redis = new Redis("redis", { url: "redis://h:6379" });
    await registered();
    assert.deepEqual(inputsOf("redis-url").texts, { url: "redis://h:6379", storage: "redis://h:6379" });
    assert.equal(redis.access.volumes!.length, 1, "which is optional, as a preview may not know");
  });

  it("is used by another program by its reference, which follows the data", async () => {
    const store = new Redis("store", { namespace: "stores" });
    const borrower = new Redis("redis", { namespace: "fruits", from: store.reference });
    await registered();
    assert.ok(await pulumi.isSecret(store.reference));
    const { texts, metadata } = inputsOf("redis-url");
    assert.equal(metadata.namespace, "fruits");
    assert.match(texts.url, /^redis:\/\/:[0-9a-f]{48}@store.stores:6379$/);
    assert.equal(texts.storage, "uid of store-pod");
    assert.equal(await valueOf(borrower.access.labels["job-wq-2/redis"]!), "stores.store");
    assert.deepEqual(await valueOf(borrower.location), {
      namespace: "stores",
      pod: "store-master",
      passwordSecret: "store",
    });
  });

  it("keeps out of service meshes, and asks autoscalers not to evict it", async () => {
    new Redis("redis");
    new Redis("kept", { storage: "1Gi" });
    await registered();
    for (const { metadata } of [inputsOf("redis-pod"), inputsOf("kept-pod").spec.template]) {
      assert.equal(metadata.labels["sidecar.istio.io/inject"], "false");
      assert.equal(metadata.annotations["linkerd.io/inject"], "disabled");
      assert.equal(metadata.annotations["karpenter.sh/do-not-disrupt"], "true");
      assert.equal(metadata.annotations["cluster-autoscaler.kubernetes.io/safe-to-evict"], "false");
    }
  });

  it("takes a patch of its pod, and labels for everything", async () => {
    const labels = { team: "vision" };
    new Redis("redis", {
      labels,
      pod: {
        spec: { priorityClassName: "high", containers: [{ name: "redis", resources: { limits: { cpu: "4" } } }] },
      },
    });
    await registered();
    const { spec } = inputsOf("redis-pod");
    assert.equal(spec.priorityClassName, "high");
    assert.deepEqual(spec.containers[0].resources.limits, { cpu: "4", memory: "256Mi" });
    for (const { type, inputs } of created)
      if (type.startsWith("kubernetes:")) assert.equal(inputs.metadata.labels.team, "vision", type);
  });

  it("creates its namespace on request, which enforces Pod Security restricted", async () => {
    const redis = new Redis("redis", { namespace: "fruits", createNamespace: true });
    await registered();
    const { metadata } = inputsOf("redis-namespace");
    assert.deepEqual(metadata, {
      name: "fruits",
      labels: { "pod-security.kubernetes.io/enforce": "restricted" },
      annotations: { "job-wq-2/owner": "job-wq-2/test" },
    });
    assert.equal(await valueOf(redis.namespace), "fruits");
  });

  it("takes outputs for its arguments", async () => {
    new Redis("redis", {
      memory: pulumi.output("1Gi"),
      image: pulumi.output("redis:7"),
      namespace: pulumi.output("fruits"),
    });
    await registered();
    const [container] = inputsOf("redis-pod").spec.containers;
    assert.deepEqual([container.image, container.resources.limits], ["redis:7", { cpu: "2", memory: "1Gi" }]);
    assert.ok(container.args.includes("644245094"));
    assert.equal(inputsOf("redis-pod").metadata.namespace, "fruits");
  });
});
