import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import * as pulumi from "@pulumi/pulumi";
import type * as Components from "../../../components/index.ts";
import { exitCodes } from "../../../worker/exitCodes.ts";
import {
  created,
  inputsOf,
  secretsOf,
  optionsOf,
  recorder,
  registered,
  replacedBy,
  reset,
  startMocks,
  summary,
  toldTo,
  variablesOf,
} from "../../support/mockProgram.ts";

interface Variable {
  name: string;
  value?: string;
}

describe("Batch", () => {
  let components: typeof Components;
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-batch-"));
  /** Lines that do not compress. */
  const long = join(dir, "long.txt");

  before(async () => {
    await startMocks();
    components = await import("../../../components/index.ts");
    const lines = Array.from({ length: 40_000 }, (_, i) => `${(i * 2654435761) % 2 ** 32} ${Math.sin(i)}`);
    writeFileSync(long, lines.join("\n"));
  });
  after(() => rmSync(dir, { recursive: true }));
  beforeEach(reset);

  const redis = () => new components.Redis("redis", { namespace: "fruits" });
  const ready = () => new components.WorkerImage("worker", { image: "reg.example.com/x:1" });
  const built = (args = {}) =>
    new components.WorkerImage("worker", { imageName: "reg.example.com/x:2", handler: "worker/handler.ts", ...args });

  async function batch(args: Partial<Components.BatchArgs> = {}) {
    const made = new components.Batch(
      "job-wq-2",
      { redis: redis(), image: ready(), queue: "job2", items: ["a"], ...args },
      recorder,
    );
    await registered();
    return made;
  }

  it("seeds, works and supervises: three Jobs, the worker Job in the name of the Kubernetes page", async () => {
    await batch();
    assert.deepEqual(summary(/Job|Batch|ConfigMap/), [
      "Batch job-wq-2 = -",
      "ConfigMap job-wq-2-seed-items = job-wq-2-items",
      "ConfigMap job-wq-2-verdict = job-wq-2-verdict",
      "Job job-wq-2-seed = job-wq-2-seed",
      "Job job-wq-2-supervisor = -",
      "Job job-wq-2-workers = job-wq-2",
    ]);
    for (const { type, inputs } of created)
      if (type.endsWith(":Job")) assert.equal(inputs.metadata.namespace, "fruits");
  });

  it("runs each Job after those before it, and again with each of them", async () => {
    await batch({ run: "3", retry: "2", itemsRange: "1..9", items: undefined });
    const seed = await replacedBy("job-wq-2-seed");
    const [digest, run, retry, how, ...others] = seed.trigger as string[];
    assert.deepEqual([seed.replaceWith, digest, run, retry], [["redis-pod"], inputsDigest("1..9"), "3", "2"]);
    assert.match(how!, /^[0-9a-f]{64}$/);
    assert.deepEqual(others, ["", "", "uid of redis-pod"]);
    assert.deepEqual(await replacedBy("job-wq-2-workers"), {
      replaceWith: ["redis-pod", "job-wq-2-seed"],
      trigger: ["3", "", "uid of redis-pod", "uid of job-wq-2-seed"],
    });
    assert.deepEqual(await replacedBy("job-wq-2-supervisor"), {
      replaceWith: ["redis-pod", "job-wq-2-seed", "job-wq-2-workers"],
      trigger: [false, "", "uid of redis-pod", "uid of job-wq-2-seed", "uid of job-wq-2-workers"],
    });
    for (const name of ["seed", "workers", "supervisor"])
      assert.equal(optionsOf(`job-wq-2-${name}`).deleteBeforeReplace, true);
  });

  it("runs failed items again after a change of a secret, also in a list that was filled by hand", async () => {
    await batch({ secretEnv: { A: "1" }, command: ["sh"], items: undefined });
    const { trigger } = await replacedBy("job-wq-2-seed");
    assert.match(JSON.stringify(trigger), /^\[null,"1","0","[0-9a-f]{64}","uid of job-wq-2-env"/);
    assert.equal(toldTo("job-wq-2-seed").items, undefined);
  });

  it("is seeded after the Batches it comes after, and again with them", async () => {
    const first = await batch();
    new components.Batch("second", { redis: redis(), image: ready(), items: ["b"], after: [first] }, recorder);
    await registered();
    const { replaceWith } = await replacedBy("second-seed");
    assert.deepEqual(replaceWith, ["redis-pod", "job-wq-2-supervisor"]);
  });

  describe("the seed Job", () => {
    it("carries a list in a ConfigMap", async () => {
      await batch({ items: ["a b", "c"] });
      const { binaryData } = inputsOf("job-wq-2-seed-items");
      assert.equal(gunzipSync(Buffer.from(binaryData["items.gz"], "base64")).toString(), '"a b"\n"c"');
      const { metadata, spec } = inputsOf("job-wq-2-seed");
      assertAtOnce(metadata.annotations, "uid of redis-pod");
      assert.deepEqual([spec.activeDeadlineSeconds, spec.backoffLimit], [900, 1]);
      assert.equal(spec.template.spec.restartPolicy, "Never");
      const { items, run, owner } = toldTo("job-wq-2-seed");
      assert.deepEqual([items, run, owner], [{ file: "/items/items.gz", format: "strings" }, "1", "job-wq-2/test"]);
    });

    it("carries a long list in an image beside the workers', the same under every umask", async () => {
      const old = process.umask(0o077);
      await batch({ image: built(), items: undefined, itemsFile: long });
      process.umask(old);
      const { context } = inputsOf("job-wq-2-seed-items-image").build;
      assert.match(context, /^\.job-wq-2\/job-wq-2-seed-items-[0-9a-f]{16}$/);
      const file = `${context}/items.gz`;
      assert.equal(statSync(file).mode & 0o777, 0o644);
      assert.equal(gunzipSync(readFileSync(file)).toString(), readFileSync(long, "utf8"));
      assert.equal(inputsOf("job-wq-2-seed-items-image").imageName, "reg.example.com/x:items-job-wq-2");
      const [init] = inputsOf("job-wq-2-seed").spec.template.spec.initContainers;
      assert.deepEqual(init.command, ["cp", "/items.gz", "/items/items.gz"]);
      assert.match(init.image, /^reg.example.com\/x:items-job-wq-2@sha256:/);
    });

    it("carries it by the Docker provider of the image", async () => {
      const docker = await import("@pulumi/docker");
      const provider = new docker.Provider("builder", { host: "ssh://builder" });
      const args = { imageName: "reg.example.com/x:2", handler: "worker/handler.ts" };
      const image = new components.WorkerImage("worker", args, { provider });
      await batch({ image, items: undefined, itemsFile: long });
      const { parent } = optionsOf("job-wq-2-seed-items-image");
      assert.equal(parent.getProvider("docker:index/image:Image"), undefined);
      assert.equal(optionsOf("job-wq-2-seed-items-image").provider, provider);
    });

    it("carries nothing for a range", async () => {
      await batch({ items: undefined, itemsRange: "1..9" });
      assert.deepEqual(summary(/seed/), ["Job job-wq-2-seed = job-wq-2-seed"]);
      assert.equal(toldTo("job-wq-2-seed").items.range, "1..9");
    });

    it("carries items that are outputs", async () => {
      await batch({ items: ["a", pulumi.output("b")] });
      const { binaryData } = inputsOf("job-wq-2-seed-items");
      assert.equal(gunzipSync(Buffer.from(binaryData["items.gz"], "base64")).toString(), '"a"\n"b"');
      assert.equal(toldTo("job-wq-2-seed").items.format, "strings");
    });
  });

  describe("the worker Job", () => {
    const job = () => inputsOf("job-wq-2-workers");

    it("is the page's: two pods, no completions, OnFailure", async () => {
      await batch();
      const { metadata, spec } = job();
      assert.deepEqual([spec.parallelism, spec.completions, spec.activeDeadlineSeconds], [2, undefined, 86_400]);
      assert.equal(spec.ttlSecondsAfterFinished, undefined);
      assert.equal(spec.podFailurePolicy, undefined);
      const pod = spec.template.spec;
      assert.equal(pod.restartPolicy, "OnFailure");
      assert.equal(pod.enableServiceLinks, false);
      assert.equal(pod.automountServiceAccountToken, false);
      assert.equal(pod.containers[0].terminationMessagePolicy, "FallbackToLogsOnError");
      assertAtOnce(metadata.annotations, "uid of redis-pod uid of job-wq-2-seed");
      assert.deepEqual(optionsOf("job-wq-2-workers").customTimeouts, { delete: "615s" });
    });

    it("is admitted by Pod Security restricted", async () => {
      await batch();
      const pod = job().spec.template.spec;
      assert.deepEqual(pod.securityContext, {
        runAsNonRoot: true,
        runAsUser: 1000,
        runAsGroup: 1000,
        fsGroup: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      });
      assert.deepEqual(pod.containers[0].securityContext, {
        allowPrivilegeEscalation: false,
        capabilities: { drop: ["ALL"] },
        readOnlyRootFilesystem: true,
      });
      assert.deepEqual(pod.containers[0].volumeMounts, [{ name: "tmp", mountPath: "/tmp" }]);
    });

    it("is told the settings of the table, in their own words", async () => {
      await batch({
        lease: "5s",
        backoff: "2s..1m",
        command: ["ls", "-l"],
        concurrency: pulumi.output(4),
        env: { A: "1" },
      });
      const { lease, backoff, command, concurrency, itemTimeout, maxFailures } = toldTo("job-wq-2-workers");
      assert.deepEqual(
        [lease, backoff, command, concurrency, itemTimeout, maxFailures, variablesOf("job-wq-2-workers").A],
        [5_000, { min: 2_000, max: 60_000 }, ["ls", "-l"], 4, 3_600_000, undefined, "1"],
      );
    });

    it("gets values with dollars as they are", async () => {
      await batch({ command: ["sh", "-c", "echo $$ $(date)"], env: { PASS: "pa$$word", T: "$(WQ_POD)" } });
      const { PASS, T, WQ_SETTINGS } = variablesOf("job-wq-2-workers");
      // Dollars are doubled, since Kubernetes makes one of two.
      assert.deepEqual([PASS, T], ["pa$$$$word", "$$(WQ_POD)"]);
      assert.ok(WQ_SETTINGS!.includes('"command":["sh","-c","echo $$$$ $$(date)"]'), WQ_SETTINGS);
    });

    it("is probed by HTTP", async () => {
      await batch({ allowFailures: true });
      const { readinessProbe, livenessProbe } = job().spec.template.spec.containers[0];
      assert.deepEqual(readinessProbe, {
        httpGet: { path: "/ready", port: 9463 },
        periodSeconds: 1,
        failureThreshold: 1,
      });
      assert.deepEqual(livenessProbe.httpGet, { path: "/live", port: 9463 });
      const { healthPort, allowFailures } = toldTo("job-wq-2-workers");
      assert.deepEqual([healthPort, allowFailures], [9463, true]);
    });

    it("has a token only with a ServiceAccount, and secret variables only in a Secret", async () => {
      await batch({ serviceAccountName: "me", secretEnv: { TOKEN: "hush" }, command: ["ls"] });
      const pod = job().spec.template.spec;
      assert.deepEqual([pod.serviceAccountName, pod.automountServiceAccountToken], ["me", true]);
      assert.deepEqual(pod.containers[0].envFrom, [{ secretRef: { name: "job-wq-2-env" } }]);
      assert.ok(!JSON.stringify(job()).includes("hush"));
    });

    it("keeps the login for the push out of the cluster if `pullSecret` pulls", async () => {
      const login = { registryUsername: "me", registryPassword: "pw", pullSecret: "read-only" };
      await batch({ image: built(login) });
      assert.deepEqual(job().spec.template.spec.imagePullSecrets, [{ name: "read-only" }]);
      assert.deepEqual(summary(/^Secret job-wq-2-registry/), []);
    });

    it("lets nobody connect to its pods, except Prometheus to the metrics", async () => {
      const policy = () => inputsOf("job-wq-2-policy").spec;
      await batch();
      const { podSelector, policyTypes, ingress } = policy();
      const { labels } = job().spec.template.metadata;
      for (const [name, value] of Object.entries(podSelector.matchLabels)) assert.equal(labels[name], value);
      assert.deepEqual([policyTypes, ingress], [["Ingress"], []]);
      reset();
      await batch({ metrics: true, metricsFrom: "monitoring" });
      const from = [{ namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "monitoring" } } }];
      assert.deepEqual(policy().ingress, [{ from, ports: [{ protocol: "TCP", port: 9464 }] }]);
      reset();
      await batch({ metrics: true });
      assert.deepEqual(policy().ingress[0].from, [{ podSelector: {} }]);
    });

    it("pulls with the image's login", async () => {
      await batch({ image: built({ registryUsername: "me", registryPassword: "pw" }) });
      assert.deepEqual(job().spec.template.spec.imagePullSecrets, [{ name: "job-wq-2-registry" }]);
      assert.equal(inputsOf("job-wq-2-registry").type, "kubernetes.io/dockerconfigjson");
    });
  });

  it("without a built image, brings code in a ConfigMap, and Node.js if the image has none", async () => {
    const image = new components.WorkerImage("code", {
      handler: "worker/handler.ts",
      files: "examples/python/files",
      baseImage: "python:3-slim",
    });
    await batch({ image });
    const { metadata, immutable, binaryData } = inputsOf("job-wq-2-code");
    assert.match(metadata.name, /^job-wq-2-code-[0-9a-f]{16}$/);
    assert.equal(immutable, true);
    const { volumes, initContainers, containers } = inputsOf("job-wq-2-workers").spec.template.spec;
    const [code] = volumes.filter(({ name }: { name: string }) => name === "code");
    const paths = code.configMap.items.map(({ path }: { path: string }) => path);
    for (const path of ["bin/worker.js", "bin/handler.js", "scripts/renew.lua", "package.json"])
      assert.ok(paths.includes(path), path);
    for (const { key } of code.configMap.items) assert.ok(key in binaryData, key);
    assert.equal(initContainers[0].image, "node:24-slim");
    const [{ command, workingDir, image: reference }] = containers;
    assert.deepEqual([command[0], workingDir, reference], ["/job-wq-2/node/start", "/work", "python:3-slim"]);
  });

  it("leaves the image as it is: its working directory without `files`, its variables, its folders", async () => {
    const image = new components.WorkerImage("code", { baseImage: "reg.example.com/app:1" });
    await batch({ image, command: ["./run"] });
    const [{ workingDir, volumeMounts }] = inputsOf("job-wq-2-workers").spec.template.spec.containers;
    assert.equal(workingDir, undefined);
    for (const { mountPath } of volumeMounts) assert.match(mountPath, /^(\/tmp$|\/job-wq-2\/)/);
    for (const name of Object.keys(variablesOf("job-wq-2-workers"))) assert.match(name, /^WQ_/);
  });

  it("installs Python packages in pods that run programs of the user, and in no others", async () => {
    const [handler, requirements] = [join(dir, "work.py"), join(dir, "packages.txt")];
    writeFileSync(handler, "def handle(item): pass");
    writeFileSync(requirements, "six");
    await batch({ image: new components.WorkerImage("code", { handler, requirements }) });
    const steps = (job: string) =>
      (inputsOf(job).spec.template.spec.initContainers as { name: string }[]).map(({ name }) => name);
    assert.deepEqual(["job-wq-2-seed", "job-wq-2-workers", "job-wq-2-supervisor"].map(steps), [
      ["node"],
      ["node", "requirements"],
      ["node"],
    ]);
  });

  it("takes Node.js from `nodeImage`, or from the base if that is the same", async () => {
    const nodeImage = "mirror.example.com/node-internal:1";
    for (const baseImage of ["mirror.example.com/python:3", nodeImage]) {
      reset();
      await batch({ image: new components.WorkerImage("code", { baseImage, nodeImage }), command: ["ls"] });
      const { initContainers, containers } = inputsOf("job-wq-2-workers").spec.template.spec;
      const [init] = (initContainers ?? []) as { image: string }[];
      assert.deepEqual(
        [init?.image, containers[0].command[0]],
        baseImage === nodeImage ? [undefined, "node"] : [nodeImage, "/job-wq-2/node/start"],
      );
    }
  });

  describe("the supervisor Job", () => {
    it("gets its name from the provider, and is deleted with the worker Job", async () => {
      await batch({ allowFailures: true, activeDeadline: "2h" });
      const { metadata, spec } = inputsOf("job-wq-2-supervisor");
      assert.equal(metadata.name, undefined);
      assert.deepEqual(metadata.ownerReferences, [
        { apiVersion: "batch/v1", kind: "Job", name: "job-wq-2", uid: "uid of job-wq-2-workers" },
      ]);
      assert.equal(spec.activeDeadlineSeconds, 7_800);
      const { allowFailures, activeDeadline } = toldTo("job-wq-2-supervisor");
      assert.deepEqual([allowFailures, activeDeadline], [true, 7_200_000]);
    });

    it("ends with a verdict, and goes on in another pod after any other end", async () => {
      await batch();
      const { rules } = inputsOf("job-wq-2-supervisor").spec.podFailurePolicy;
      assert.deepEqual(rules, [
        { action: "FailJob", onExitCodes: { operator: "In", values: [exitCodes.verdict] } },
        { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
      ]);
    });

    const container = () => inputsOf("job-wq-2-supervisor").spec.template.spec.containers[0];

    it("has no rights in the cluster if it does not scale", async () => {
      await batch({ parallelism: 5 });
      assert.deepEqual(summary(/Role|ServiceAccount/), []);
      const { spec } = inputsOf("job-wq-2-supervisor").spec.template;
      assert.equal(spec.automountServiceAccountToken, false);
      assert.equal(optionsOf("job-wq-2-workers").ignoreChanges, undefined);
      assert.equal(inputsOf("job-wq-2-workers").spec.parallelism, 5);
    });

    const elastic: [parallelism: string, idleAfter: string | undefined, first: number, scale: string][] = [
      ["2..100", undefined, 2, "2..100"],
      ["10", "5s", 10, "1..10"],
    ];
    for (const [parallelism, idleAfter, first, scale] of elastic) {
      it(`may read and patch the worker Job, and nothing else, with parallelism ${parallelism}`, async () => {
        await batch({ parallelism, ...(idleAfter && { idleAfter }), concurrency: 4 });
        const [rule, ...more] = created.find(({ type }) => type.endsWith(":Role"))!.inputs.rules;
        assert.deepEqual(more, []);
        const jobs = {
          apiGroups: ["batch"],
          resources: ["jobs"],
          resourceNames: ["job-wq-2"],
          verbs: ["get", "patch"],
        };
        assert.deepEqual(rule, jobs);
        const job = created.find(({ type, name }) => type.endsWith(":Job") && name === "job-wq-2-supervisor")!;
        const { spec } = job.inputs.spec.template;
        assert.deepEqual([spec.serviceAccountName, spec.automountServiceAccountToken], ["job-wq-2-supervisor", true]);
        assert.equal(inputsOf("job-wq-2-workers").spec.parallelism, first);
        assert.deepEqual(optionsOf("job-wq-2-workers").ignoreChanges, ["spec.parallelism"]);
        const { value } = spec.containers[0].env.find(({ name }: Variable) => name === "WQ_SETTINGS");
        const { scale: told, concurrency } = JSON.parse(value);
        assert.deepEqual([`${told.min}..${told.max}`, concurrency, told.job], [scale, 4, "job-wq-2"]);
      });
    }

    it("reads the URL of `notify` from a Secret", async () => {
      await batch({ notify: "https://chat.example.com/hook/s3cret", stallAfter: "10m" });
      const { name, key } = container().env.find(({ name }: Variable) => name === "WQ_NOTIFY").valueFrom.secretKeyRef;
      assert.deepEqual([name, key], ["job-wq-2-notify", "url"]);
      assert.equal(toldTo("job-wq-2-supervisor").stallAfter, 600_000);
      assert.doesNotMatch(JSON.stringify(inputsOf("job-wq-2-supervisor")), /s3cret/);
    });

    it("runs `finish` with a worker's environment and resources, except its GPU", async () => {
      const requests = { cpu: "2", memory: "4Gi" };
      const resources = { requests, limits: pulumi.output({ memory: "4Gi", "nvidia.com/gpu": "1" }) };
      const claims = { films: "/films" };
      await batch({
        finish: ["python3", "merge.py"],
        env: { LEVEL: "3" },
        secretEnv: { TOKEN: "t" },
        resources,
        claims,
      });
      const { finish } = toldTo("job-wq-2-supervisor");
      assert.deepEqual([finish, variablesOf("job-wq-2-supervisor").LEVEL], [["python3", "merge.py"], "3"]);
      assert.deepEqual(container().envFrom, [{ secretRef: { name: "job-wq-2-env" } }]);
      assert.deepEqual(container().resources, { requests: resources.requests, limits: { memory: "4Gi" } });
      assert.deepEqual(container().volumeMounts[0], { name: "claim-films", mountPath: "/films" });
    });

    it("serves metrics on request", async () => {
      await batch({ metrics: true });
      const { annotations } = inputsOf("job-wq-2-supervisor").spec.template.metadata;
      assert.deepEqual([annotations["prometheus.io/scrape"], annotations["prometheus.io/port"]], ["true", "9464"]);
    });

    it("has no outcome without `wait`, and says so", () => {
      const args = { redis: redis(), image: ready(), items: ["a"], command: ["true"], wait: false };
      const message = "Only a Batch with `workers` and `wait` has an outcome.";
      assert.throws(() => new components.Batch("b", args).counts, { message });
    });

    it("watches the workers without `wait`, too", async () => {
      await batch({ wait: false });
      assert.deepEqual(summary(/supervisor/), ["Job job-wq-2-supervisor = -"]);
    });
  });

  it("gives its children an explicit provider", async () => {
    const k8s = await import("@pulumi/kubernetes");
    const provider = new k8s.Provider("other", { context: "other" });
    const opts = { providers: { kubernetes: provider } };
    const store = new components.Redis("redis", {}, { ...opts, ...recorder });
    new components.Batch("b", { redis: store, image: ready(), items: ["a"] }, { ...opts, ...recorder });
    await registered();
    for (const { type, name } of created)
      if (/:(Job|Pod|ConfigMap)$/.test(type))
        assert.equal(optionsOf(name).parent.getProvider("kubernetes:core/v1:Pod"), provider, name);
  });

  /** Secret parts of a resource's inputs. */
  const secrets = (name: string) => JSON.stringify(secretsOf(name));

  const refused: [title: string, args: () => Partial<Components.BatchArgs>, message: string][] = [
    [
      "a bad number",
      () => ({ parallelism: 0 }),
      "Batch b: Expected `parallelism` to be an integer from 1 up, or a range like 2..100, got 0.",
    ],
    [
      "a bad duration",
      () => ({ lease: "soon" }),
      'Batch b: Expected `lease` to be a duration from 2s up, like 500ms, 10s, 5m, 2h or 1d, got "soon".',
    ],
    [
      "an unknown argument",
      () => ({ paralelism: 3 }) as never,
      "Batch b: There is no argument `paralelism`; did you mean `parallelism`?",
    ],
    [
      "a patch of what it stands on",
      () => ({ auxPod: { spec: { restartPolicy: "Always" } } }),
      "Batch b: Expected `auxPod` to leave spec.restartPolicy alone: the Job depends on it.",
    ],
    [
      "a claim in place of the files",
      () => ({ image: built({ files: "worker/command" }), claims: { films: "/work/" } }),
      'Batch b: Expected `claims.films` to be a path outside of /work, where `files` are, got "/work/".',
    ],
    [
      "a claim among files that a ConfigMap brings",
      () => ({
        image: new components.WorkerImage("code", { handler: "worker/handler.ts", files: "worker/command" }),
        claims: { films: "/work/films" },
      }),
      'Batch b: Expected `claims.films` to be a path outside of /work, where `files` are, got "/work/films".',
    ],
    [
      "a variable that is the worker's",
      () => ({ env: { WQ_SETTINGS: "{}" } }),
      "Batch b: Expected `env` to leave WQ_SETTINGS alone: the worker sets this variable itself. Take another name.",
    ],
    [
      "a variable that is no text",
      () => ({ secretEnv: { KEY: { hush: 1 } } }) as never,
      "Batch b: Expected `secretEnv.KEY` to be a text, got a map.",
    ],
    ["a map that is none", () => ({ env: "A=1" }) as never, 'Batch b: Expected `env` to be a map, got "A=1".'],
    ["no Redis", () => ({ redis: undefined }), "Batch b: Expected `redis` to be a Redis, got nothing."],
    [
      "a Batch where a list is due",
      () => ({ after: {} }) as never,
      "Batch b: Expected `after` to be a list of Batches, got something else.",
    ],
    [
      "a Batch that nobody waits for where one must have succeeded",
      () => ({ after: [new components.Batch("early", { redis: redis(), image: ready(), items: ["a"], wait: false })] }),
      "Batch b: Expected `after` to have only Batches that `up` waits for, and `after[0]` has `wait: false` or `workers: false`.",
    ],
    [
      "an output that decides what is created",
      () => ({ wait: pulumi.output(true) }) as never,
      "Batch b: Expected `wait` to be a plain value, since it decides what is created, got an output.",
    ],
    [
      "a long list with a ready-made image",
      () => ({ items: undefined, itemsFile: long }),
      "Batch b: Expected `items` of at most 512 KiB, compressed, with `image`: more needs `imageName`, and Docker, to travel in an image.",
    ],
    [
      "nothing to run",
      () => ({ image: new components.WorkerImage("none", { imageName: "reg.example.com/x" }) }),
      "Batch b: Expected `command`, or an image with a `handler`, got neither.",
    ],
    [
      "a changing number of pods in Kueue, which would evict them all",
      () => ({ kueueQueue: "q", parallelism: "1..9" }),
      "Batch b: Expected a fixed `parallelism` and no `idleAfter` with `kueueQueue`: Kueue evicts all workers when their number changes.",
    ],
    [
      "`serve` without a `command`",
      () => ({ serve: true }),
      "Batch b: Expected `serve` with a `command`, which is the program that serves, got no `command`.",
    ],
    [
      "`batch` with a `command` that gets one item",
      () => ({ command: ["ls"], batch: 4 }),
      "Batch b: Expected `batch` with `handleBatch` of a handler, or with `serve`: a `command` gets one item.",
    ],
    [
      "`batch` with a handler that has no function for it",
      () => ({ image: built(), batch: 4 }),
      "Batch b: worker/handler.ts has no function for `batch`: it needs `export async function handleBatch(items, context)`.",
    ],
  ];
  for (const [title, args, message] of refused) {
    it(`refuses ${title}`, () => {
      assert.throws(
        () => new components.Batch("b", { redis: redis(), image: ready(), items: ["a"], ...args() }),
        (error: Error) => {
          assert.equal(error.message, message);
          return pulumi.RunError.isInstance(error);
        },
      );
    });
  }

  describe("takes outputs", () => {
    const later = <T>(value: T) => pulumi.output(value);
    const workers = () => inputsOf("job-wq-2-workers").spec.template.spec;

    it("inside of maps, where a secret one stays secret", async () => {
      const env = { BUCKET: later("bucket-1"), PORT: 5 as never, TOKEN: pulumi.secret("hush") };
      await batch({
        env,
        secretEnv: { KEY: later("k") },
        nodeSelector: { pool: later("batch") },
        claims: { films: later("/films") },
        labels: { team: later("video") },
        pod: { spec: { priority: later(3) } },
        tolerations: [{ key: later("gpu"), operator: "Exists" }],
      });
      const { BUCKET, PORT, TOKEN } = variablesOf("job-wq-2-workers");
      assert.deepEqual([BUCKET, PORT, TOKEN], ["bucket-1", "5", "hush"]);
      assert.match(secrets("job-wq-2-workers"), /hush/);
      assert.equal(secrets("job-wq-2-seed"), "[]");
      assert.deepEqual(inputsOf("job-wq-2-env").texts, { KEY: "k" });
      assert.ok(secrets("job-wq-2-env").includes(Buffer.from("k").toString("base64")));
      assert.deepEqual(workers().nodeSelector, { "kubernetes.io/os": "linux", pool: "batch" });
      assert.equal(workers().priority, 3);
      assert.equal(workers().containers[0].volumeMounts[0].mountPath, "/films");
      assert.equal(inputsOf("job-wq-2-workers").metadata.labels.team, "video");
      assert.deepEqual(workers().tolerations, [{ key: "gpu", operator: "Exists" }]);
    });

    it("as a whole", async () => {
      const pod = later({ spec: { priority: 3 } });
      await batch({
        items: undefined,
        itemsRange: later("1..9"),
        env: later({ A: "1" }),
        claims: later({ films: "/films" }),
        nodeSelector: later({ pool: "batch" }),
        tolerations: later([{ operator: "Exists" }]),
        finish: later(["cat"]),
        pod: pod as never,
      });
      assert.equal(toldTo("job-wq-2-seed").items.range, "1..9");
      const { trigger } = await replacedBy("job-wq-2-seed");
      assert.deepEqual((trigger as string[]).toSpliced(3, 1), [
        inputsDigest("1..9"),
        "1",
        "0",
        "",
        "",
        "uid of redis-pod",
      ]);
      assert.equal(variablesOf("job-wq-2-workers").A, "1");
      assert.deepEqual([workers().priority, workers().nodeSelector.pool], [3, "batch"]);
      assert.equal(workers().volumes[0].persistentVolumeClaim.claimName, "films");
      assert.deepEqual(toldTo("job-wq-2-supervisor").finish, ["cat"]);
    });

    it("anywhere in a patch, which adds to the pod", async () => {
      const added = { name: "c", env: [later({ name: "X", value: "1" })] };
      await batch({
        env: later({ A: "1" }),
        pod: {
          metadata: { labels: later({ color: "red" }), annotations: Promise.resolve({ note: "n" }) },
          spec: { containers: later([added]), volumes: [later({ name: "conf", emptyDir: {} })] },
        },
      });
      const { metadata, spec } = inputsOf("job-wq-2-workers").spec.template;
      assert.deepEqual([metadata.labels.color, metadata.labels["app.kubernetes.io/component"]], ["red", "worker"]);
      assert.deepEqual([metadata.annotations.note, metadata.annotations["linkerd.io/inject"]], ["n", "disabled"]);
      assert.deepEqual(spec.volumes.map(({ name }: Variable) => name).sort(), ["conf", "tmp"]);
      const { A, X, WQ_REDIS_URL } = variablesOf("job-wq-2-workers");
      assert.deepEqual([A, X, WQ_REDIS_URL], ["1", "1", "redis://redis:6379"]);
    });

    it("for the namespace of its Redis, which is then not taken for another one", async () => {
      const one = redis();
      await batch({ redis: one, namespace: one.namespace });
      assert.deepEqual(summary(/-redis/), []);
    });

    it("for an image, its name, its base and its login, of a registry that the program makes", async () => {
      const registry = later("reg.example.com");
      const login = { registryUsername: later("me"), registryPassword: later("pw") };
      await batch({ image: built({ imageName: pulumi.interpolate`${registry}/x:2`, ...login }) });
      assert.equal(inputsOf("worker-image").imageName, "reg.example.com/x:2");
      assert.deepEqual(inputsOf("worker-image").registry, {
        server: "reg.example.com",
        username: "me",
        password: "pw",
      });
      assert.ok(".dockerconfigjson" in inputsOf("job-wq-2-registry").texts);
      reset();
      await batch({ image: new components.WorkerImage("w", { image: pulumi.interpolate`${registry}/y:1` }) });
      assert.equal(workers().containers[0].image, "reg.example.com/y:1");
      reset();
      const baseImage = pulumi.interpolate`${registry}/base:1`;
      await batch({ image: new components.WorkerImage("w", { baseImage }), command: ["ls"] });
      assert.deepEqual(
        [workers().containers[0].image, workers().initContainers[0].name],
        ["reg.example.com/base:1", "node"],
      );
    });
  });

  it("is in the provider's namespace if none is named", async () => {
    const k8s = await import("@pulumi/kubernetes");
    const opts = { providers: { kubernetes: new k8s.Provider("team", { namespace: "team-a" }) } };
    const store = new components.Redis("redis", {}, opts);
    new components.Batch("b", { redis: store, image: ready(), items: ["a"], resources: { limits: {} } }, opts);
    await registered();
    for (const { type, inputs } of created.filter(({ type }) => /:(Job|Pod|Secret|Service|ConfigMap)$/.test(type)))
      assert.equal(inputs.metadata.namespace, "team-a", type);
  });

  it("patches the pods that do no work by `auxPod`, and those alone", async () => {
    await batch({ auxPod: { spec: { priorityClassName: "low", securityContext: { runAsUser: null } } } });
    for (const [job, priority, user] of [
      ["seed", "low", undefined],
      ["supervisor", "low", undefined],
      ["workers", undefined, 1000],
    ] as const) {
      const { priorityClassName, securityContext } = inputsOf(`job-wq-2-${job}`).spec.template.spec;
      assert.deepEqual([priorityClassName, securityContext.runAsUser], [priority, user], job);
    }
  });

  it("gives all of its pods the same tolerations, and nodes with Linux", async () => {
    await batch({ tolerations: [{ operator: "Exists" }] });
    for (const job of ["seed", "workers", "supervisor"]) {
      const { nodeSelector, tolerations } = inputsOf(`job-wq-2-${job}`).spec.template.spec;
      assert.deepEqual([nodeSelector, tolerations], [{ "kubernetes.io/os": "linux" }, [{ operator: "Exists" }]]);
    }
  });

  it("refuses the name of another Batch in the same namespace", () => {
    const shared = redis();
    new components.Batch("a", { redis: shared, image: ready(), items: ["a"], name: "n" });
    assert.throws(() => new components.Batch("b", { redis: shared, image: ready(), items: ["a"], name: "n" }), {
      message: 'Batch b: Expected `name` to differ from that of Batch a in the same namespace, got "n".',
    });
  });

  it("refuses names that Kubernetes would refuse", () => {
    const taken = "lower-case letters, digits and dashes, at most 40 of them";
    for (const name of ["thumbnailBatch", "b".repeat(70)])
      assert.throws(() => new components.Batch(name, { redis: redis(), image: ready(), items: ["a"] }), {
        message: `Batch ${name}: Expected \`name\`, by default the component's name, to be ${taken}, got ${JSON.stringify(name)}.`,
      });
    assert.throws(() => new components.Redis("myRedis"), {
      message: `Redis myRedis: Expected \`name\`, by default the component's name, to be ${taken.replace("40", "46")}, got "myRedis".`,
    });
  });

  it("refuses the queue of another Batch on the same Redis", () => {
    const shared = redis();
    new components.Batch("a", { redis: shared, image: ready(), items: ["a"], queue: "q" });
    assert.throws(() => new components.Batch("b", { redis: shared, image: ready(), items: ["a"], queue: "q" }), {
      message: 'Batch b: Expected `queue` to differ from that of Batch a on the same Redis, got "q".',
    });
  });

  it("refuses a handler or files that do not exist", () => {
    assert.throws(() => built({ handler: "nowhere.ts" }), {
      message: `WorkerImage worker: Expected \`handler\` to be the path of a file, relative to the program, got "nowhere.ts", and there is no ${resolve("nowhere.ts")}.`,
    });
    for (const [files, why] of [
      ["nowhere", `there is no ${resolve("nowhere")}`],
      ["package.json", "that is a file"],
    ] as const)
      assert.throws(() => built({ files }), {
        message: `WorkerImage worker: Expected \`files\` to be the path of a folder, relative to the program, got "${files}", and ${why}.`,
      });
  });
});

/** Asserts that the provider does not wait for a Job: its condition for readiness is true at once. */
function assertAtOnce({ "job-wq-2/runs-for": runsFor, ...others }: Record<string, string>, follows: string): void {
  const { "job-wq-2/awaited": mark } = others;
  const asked = mark && { "job-wq-2/awaited": mark };
  assert.deepEqual(others, {
    "pulumi.com/waitFor": asked
      ? `jsonpath={.metadata.annotations['job-wq-2/awaited']}=${mark}`
      : "jsonpath={.metadata.uid}",
    ...asked,
    "job-wq-2/owner": "job-wq-2/test",
    "job-wq-2/follows": follows,
  });
  assert.match(runsFor!, /^[0-9a-f]{16}$/);
}

/** The digest of a range, as config/items/items.ts makes it. */
function inputsDigest(range: string): string {
  return createHash("sha256").update(range).digest("hex");
}
