// The components with mocks: kinds, names and inputs of all they make, and the options, through a recorder. What the providers do with them: test/e2e.
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import type * as Bundle from "../../../components/image/bundle.ts";
import type * as Components from "../../../components/index.ts";
import type { RedisQueueArgs } from "../../../components/redis/redis.ts";
import type { JobShared } from "../../../components/batch/job.ts";
import type { WorkerJobArgs } from "../../../components/batch/workerJob.ts";

/* eslint-disable @typescript-eslint/no-explicit-any -- what a mock is given has no type */
interface Made {
  type: string;
  name: string;
  inputs: any;
}
let made: Made[] = [];
const options = new Map<string, any>();

/** Notes the options of every resource, children included. */
const recorder = {
  transformations: [
    ({ name, opts }: pulumi.ResourceTransformationArgs) => {
      options.set(name, opts);
      return undefined;
    },
  ],
};

const short = ({ type, name, inputs }: Made) => `${type.split(":").at(-1)} ${name} = ${inputs?.metadata?.name ?? "-"}`;
const one = (name: string) => made.find((resource) => resource.name === name)!.inputs;
const env = (inputs: any) =>
  Object.fromEntries(inputs.spec.template.spec.containers[0].env.map(({ name, value }: any) => [name, value]));
/** What a resource is replaced with, and the values whose change replaces it. */
const replacedBy = async (name: string) => {
  const { replaceWith, replacementTrigger } = options.get(name);
  const values = await new Promise((resolve) => pulumi.output(replacementTrigger).apply(resolve));
  return { replaceWith, values };
};
/** Until all that was declared has been registered. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

describe("components", function () {
  this.timeout(20_000); // loading the Kubernetes SDK
  let components: typeof Components;
  let bundle: typeof Bundle;

  before(async () => {
    await pulumi.runtime.setMocks(
      {
        newResource({ type, name, inputs }) {
          made.push({ type, name, inputs });
          const state = { ...inputs, metadata: { ...inputs.metadata, uid: `uid of ${name}` } };
          if (type.endsWith(":Service")) state.spec = { ...inputs.spec, clusterIP: "10.96.0.7" };
          if (type.startsWith("docker:")) state.repoDigest = `${inputs.imageName}@sha256:${"a".repeat(64)}`;
          return { id: `${name}-id`, state };
        },
        call: ({ inputs }) => inputs,
      },
      "job-wq-2",
      "test",
    );
    components = await import("../../../components/index.ts");
    bundle = await import("../../../components/image/bundle.ts");
  });
  beforeEach(() => {
    made = [];
    options.clear();
  });

  const redisArgs: RedisQueueArgs = {
    ...{ queue: "job2", namespace: "fruits", image: "redis:8", memory: "256Mi", memoryBytes: 2 ** 28, auth: true },
  };
  const shared = (): JobShared => ({
    ...{ namespace: "fruits", queue: "job2", owner: "job-wq-2/test", pullSecrets: [] },
    image: { reference: "reg.example.com/x@sha256:1", id: "1" },
    redisEnv: [{ name: "REDIS_URL", value: "redis://redis:6379" }],
    ...{ runAsUser: 1000, logFormat: "text" as const },
  });
  const workerArgs = (): WorkerJobArgs => ({
    ...{ shared: shared(), parallelism: 2, concurrency: 1, workSeconds: 10, maxAttempts: 3 },
    ...{ backoff: { min: 1000, max: 300_000 }, itemTimeout: 3_600_000, lease: 10_000, maxResultBytes: 65_536 },
    ...{ keepResults: "all", keepLogs: "failed", activeDeadline: 86_400_000, gracePeriod: 10_000, wait: true },
    ...{ run: "1", env: {}, after: [], dependsOn: [] },
  });

  describe("RedisQueue", () => {
    it("makes the page's Pod and Service, with a password and a policy", async () => {
      new components.RedisQueue("redis", redisArgs, recorder);
      await settle();
      assert.deepEqual(made.map(short).sort(), [
        "NetworkPolicy redis-policy = redis",
        "Pod redis-pod = redis-master",
        "RedisQueue redis = -",
        "Secret redis-password = redis",
        "Service redis-service = redis",
      ]);
      for (const { inputs } of made.slice(1)) assert.equal(inputs.metadata.namespace, "fruits");
      const [container] = one("redis-pod").spec.containers;
      assert.equal(container.image, "redis:8");
      assert.deepEqual([container.args[0], container.args[3]], ["sh", "redis-server"]);
      for (const words of ["--appendonly yes", "--maxmemory 161061273", "--maxmemory-policy noeviction"]) {
        assert.ok(container.args.join(" ").includes(words), words);
      }
      assert.deepEqual(container.resources.limits, { memory: "256Mi" });
      assert.deepEqual(one("redis-pod").spec.volumes, [{ name: "data", emptyDir: {} }]);
      assert.match(container.livenessProbe.exec.command[2], /PONG\|LOADING\|BUSY/);
    });

    it("lets in only pods of this queue", async () => {
      new components.RedisQueue("redis", redisArgs);
      await settle();
      const { podSelector, ingress } = one("redis-policy").spec;
      assert.equal(podSelector.matchLabels["app.kubernetes.io/component"], "redis");
      assert.deepEqual(ingress, [
        {
          from: [{ podSelector: { matchLabels: { "job-wq-2/queue": "job2" } } }],
          ports: [{ protocol: "TCP", port: 6379 }],
        },
      ]);
    });

    it("makes the password once, and does not wait for the Service", async () => {
      new components.RedisQueue("redis", redisArgs, recorder);
      await settle();
      assert.deepEqual(options.get("redis-password").ignoreChanges, ["stringData", "data"]);
      assert.equal(options.get("redis-pod").deleteBeforeReplace, true);
      assert.deepEqual(options.get("redis-pod").customTimeouts, { create: "12m", update: "12m" });
      assert.equal(one("redis-pod").metadata.annotations["pulumi.com/waitFor"], "condition=Ready");
      assert.equal(one("redis-service").metadata.annotations["pulumi.com/skipAwait"], "true");
      for (const name of ["redis-pod", "redis-service", "redis-policy", "redis-password"]) {
        assert.ok(options.get(name).parent, `${name} has a parent`);
      }
    });

    it("is a StatefulSet, whose claim goes with it, with storage", async () => {
      new components.RedisQueue("redis", { ...redisArgs, storage: "1Gi", auth: false }, recorder);
      await settle();
      assert.deepEqual(options.get("redis-pod").ignoreChanges, ["spec.volumeClaimTemplates"]);
      assert.deepEqual(made.map(short).sort(), [
        "NetworkPolicy redis-policy = redis",
        "RedisQueue redis = -",
        "Service redis-service = redis",
        "StatefulSet redis-pod = redis-master",
      ]);
      const { spec } = one("redis-pod");
      assert.equal(spec.persistentVolumeClaimRetentionPolicy.whenDeleted, "Delete");
      assert.deepEqual(spec.volumeClaimTemplates[0].spec.resources.requests, { storage: "1Gi" });
      assert.ok(!spec.template.spec.containers[0].args.includes("--requirepass"));
      // Beside a Pod that is still there, the Service has to pick this one.
      const picked = one("redis-service").spec.selector;
      assert.equal(picked["job-wq-2/data"], "claim");
      assert.deepEqual(spec.selector.matchLabels, picked);
      assert.deepEqual({ ...spec.template.metadata.labels, ...picked }, spec.template.metadata.labels);
    });

    it("is a Secret with the address of a Redis that is there", async () => {
      const redis = new components.RedisQueue("redis", { ...redisArgs, url: pulumi.secret("rediss://u:p@h:6380") });
      await settle();
      assert.deepEqual(made.map(short).sort(), ["RedisQueue redis = -", "Secret redis-url = redis-url"]);
      assert.deepEqual(redis.env, [
        { name: "REDIS_URL", valueFrom: { secretKeyRef: { name: "redis-url", key: "url" } } },
      ]);
      // Another address is another Redis: the items are to be put in there.
      assert.equal(redis.data, redis.first);
    });
  });

  describe("WorkerImage", () => {
    const args = { imageName: "reg.example.com/you/x", push: true, platform: "linux/arm64", baseImage: "node:24-slim" };

    it("is run by the digest that the push answered", async () => {
      const { image } = new components.WorkerImage("worker", args);
      const reference = await new Promise((resolve) => pulumi.output(image.reference).apply(resolve));
      assert.equal(reference, `reg.example.com/you/x@sha256:${"a".repeat(64)}`);
      assert.equal(image.pullPolicy, undefined);
      const { build, skipPush, registry } = one("worker-image");
      assert.equal(skipPush, false);
      assert.equal(registry, undefined);
      assert.deepEqual(build, {
        context: "components/.context/worker",
        dockerfile: "components/.context/worker/Dockerfile",
        platform: "linux/arm64",
        args: { BASE_IMAGE: "node:24-slim", KIND: "node" },
      });
    });

    it("is run by its name where nothing is pushed, and brings Node.js to a base without", async () => {
      const { image } = new components.WorkerImage("worker", { ...args, push: false, baseImage: "python:3-slim" });
      await settle();
      assert.deepEqual([image.reference, image.pullPolicy], ["reg.example.com/you/x", "IfNotPresent"]);
      assert.equal(one("worker-image").build.args.KIND, "other");
    });

    it("has the same bytes and modes every time, under any umask", () => {
      const state = () => {
        const context = bundle.bundle();
        const { mode } = statSync(`${context}/app/bin/worker.js`);
        return [mode & 0o777, readFileSync(`${context}/app/bin/worker.js`, "utf8")] as const;
      };
      const first = state();
      const old = process.umask(0o077);
      try {
        assert.deepEqual(state(), first);
      } finally {
        process.umask(old);
      }
      assert.equal(first[0], 0o644);
      for (const file of [
        "app/bin/leaseKeeperThread.js",
        "app/bin/seed.js",
        "app/bin/verdict.js",
        "app/bin/livenessProbe.js",
        "app/scripts/ack-and-reserve.lua",
      ]) {
        assert.ok(existsSync(`${bundle.CONTEXT}/${file}`), file);
      }
    });
  });

  describe("SeedJob", () => {
    const gzipped = Buffer.from("items");
    const file = { kind: "file", format: "text", gzipped, digest: "d1" } as const;
    const common = () => ({
      ...{ run: "1", retry: "0", dependsOn: [], data: new components.RedisQueue("redis", redisArgs).data },
    });
    const mine = () => made.map(short).filter((line) => /(^Job|seed)/i.test(line));

    it("carries a list in a ConfigMap, and runs again with the list, `run`, `retry` and another Redis", async () => {
      const args = common();
      new components.SeedJob("seed", { shared: shared(), items: { ...file, inline: true }, ...args }, recorder);
      await settle();
      assert.deepEqual(mine().sort(), [
        "ConfigMap seed-items = job-wq-2-items",
        "Job seed-job = job-wq-2-seed",
        "SeedJob seed = -",
      ]);
      assert.deepEqual(one("seed-items").binaryData, { "items.gz": gzipped.toString("base64") });
      assert.deepEqual(await replacedBy("seed-job"), {
        replaceWith: [args.data],
        values: ["d1", "1", "0", "uid of redis-pod"],
      });
      assert.equal(options.get("seed-job").deleteBeforeReplace, true);
      const { metadata, spec } = one("seed-job");
      assert.equal(metadata.annotations["pulumi.com/replaceUnready"], "true");
      assert.deepEqual([spec.activeDeadlineSeconds, spec.backoffLimit], [900, 1]);
      assert.equal(spec.template.spec.restartPolicy, "Never");
      const { WQ_ITEMS_FILE, WQ_ITEMS_FORMAT, WQ_RUN, WQ_RETRY, WQ_OWNER } = env(one("seed-job"));
      assert.deepEqual(
        [WQ_ITEMS_FILE, WQ_ITEMS_FORMAT, WQ_RUN, WQ_RETRY, WQ_OWNER],
        ["/items/items.gz", "text", "1", "0", "job-wq-2/test"],
      );
    });

    it("carries a long list in an image beside the workers'", async () => {
      const image = {
        imageName: "reg.example.com/x:2",
        push: true,
        platform: "linux/amd64",
        baseImage: "node:24-slim",
      };
      const old = process.umask(0o077);
      new components.SeedJob("seed", { shared: shared(), items: { ...file, inline: false }, image, ...common() });
      process.umask(old);
      await settle();
      // The image runs as a user of its own, and its digest is the same under every umask.
      assert.equal(statSync("components/.context/items/items.gz").mode & 0o777, 0o644);
      assert.equal(one("seed-items-image").imageName, "reg.example.com/x-items:2");
      const [init] = one("seed-job").spec.template.spec.initContainers;
      assert.deepEqual(init.command, ["cp", "/items.gz", "/items/items.gz"]);
      assert.match(init.image, /^reg.example.com\/x-items:2@sha256:/);
      assert.equal(readFileSync("components/.context/items/items.gz", "utf8"), "items");
    });

    it("needs nothing to carry for a range", async () => {
      new components.SeedJob("seed", {
        shared: shared(),
        items: { kind: "range", range: "1..9", digest: "r" },
        ...common(),
      });
      await settle();
      assert.deepEqual(mine().sort(), ["Job seed-job = job-wq-2-seed", "SeedJob seed = -"]);
      assert.equal(env(one("seed-job")).WQ_ITEMS_RANGE, "1..9");
    });
  });

  describe("WorkerJob", () => {
    it("is the page's Job: its name, two pods, no completions, OnFailure", async () => {
      new components.WorkerJob("workers", workerArgs(), recorder);
      await settle();
      assert.deepEqual(made.map(short).sort(), ["Job workers-job = job-wq-2", "WorkerJob workers = -"]);
      const { metadata, spec } = one("workers-job");
      assert.deepEqual([spec.parallelism, spec.completions, spec.activeDeadlineSeconds], [2, undefined, 86_400]);
      assert.equal(spec.ttlSecondsAfterFinished, undefined);
      assert.equal(spec.podFailurePolicy, undefined);
      const pod = spec.template.spec;
      assert.equal(pod.restartPolicy, "OnFailure");
      assert.equal(pod.enableServiceLinks, false);
      assert.equal(pod.automountServiceAccountToken, false);
      assert.equal(pod.containers[0].terminationMessagePolicy, "FallbackToLogsOnError");
      assert.equal(metadata.annotations["pulumi.com/replaceUnready"], "true");
      const { deleteBeforeReplace, customTimeouts } = options.get("workers-job");
      assert.deepEqual(await replacedBy("workers-job"), { replaceWith: [], values: ["1"] });
      assert.deepEqual([deleteBeforeReplace, customTimeouts], [true, { create: "86520s", delete: "615s" }]);
    });

    it("is admitted by Pod Security `restricted`", async () => {
      new components.WorkerJob("workers", workerArgs());
      await settle();
      const pod = one("workers-job").spec.template.spec;
      assert.deepEqual(pod.securityContext, {
        ...{ runAsNonRoot: true, runAsUser: 1000, runAsGroup: 1000, fsGroup: 1000 },
        seccompProfile: { type: "RuntimeDefault" },
      });
      assert.deepEqual(pod.containers[0].securityContext, {
        ...{ allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, readOnlyRootFilesystem: true },
      });
      assert.deepEqual(pod.containers[0].volumeMounts, [{ name: "tmp", mountPath: "/tmp" }]);
    });

    it("is not waited for, and not replaced while it runs, without `wait`", async () => {
      new components.WorkerJob("workers", { ...workerArgs(), wait: false });
      await settle();
      assert.deepEqual(one("workers-job").metadata.annotations, {
        "pulumi.com/waitFor": "jsonpath={.status.startTime}",
      });
    });

    it("has a token only with a ServiceAccount, and secret variables only in a Secret", async () => {
      const secretEnv = pulumi.secret<Record<string, string>>({ TOKEN: "hush" }) as pulumi.Output<
        Record<string, string>
      >;
      new components.WorkerJob("workers", { ...workerArgs(), serviceAccountName: "me", secretEnv, command: ["ls"] });
      await settle();
      const pod = one("workers-job").spec.template.spec;
      assert.deepEqual([pod.serviceAccountName, pod.automountServiceAccountToken], ["me", true]);
      assert.deepEqual(pod.containers[0].envFrom, [{ secretRef: { name: "job-wq-2-env" } }]);
      assert.equal(env(one("workers-job")).WQ_COMMAND, '["ls"]');
      assert.ok(!JSON.stringify(one("workers-job")).includes("hush"));
    });
  });

  describe("VerdictJob", () => {
    it("judges anew with each Job before it, and is not tried twice", async () => {
      const { job } = new components.WorkerJob("workers", workerArgs());
      new components.VerdictJob("verdict", { shared: shared(), allowFailures: false, after: [job] }, recorder);
      await settle();
      assert.deepEqual(await replacedBy("verdict-job"), { replaceWith: [job], values: [false, "uid of workers-job"] });
      assert.equal(options.get("verdict-job").deleteBeforeReplace, true);
      const { spec } = one("verdict-job");
      assert.deepEqual([spec.backoffLimit, spec.template.spec.restartPolicy], [0, "Never"]);
      assert.equal(env(one("verdict-job")).WQ_ALLOW_FAILURES, "false");
    });
  });

  it("write a registry's login as a docker config, Docker Hub under its own key", async () => {
    const { dockerConfig } = await import("../../../components/image/pullSecret.ts");
    const login = { username: "me", password: "pw", auth: "bWU6cHc=" };
    assert.deepEqual(JSON.parse(dockerConfig("ghcr.io", "me", "pw")), { auths: { "ghcr.io": login } });
    assert.deepEqual(Object.keys((JSON.parse(dockerConfig("docker.io", "me", "pw")) as { auths: object }).auths), [
      "https://index.docker.io/v1/",
    ]);
  });
});
