// Full run only: the unit tests of components ask mocks for most of this.
// A program like those of users: namespace, provider and nearly every argument are outputs of its own resources, some
// of them secret, and other resources use the outcome.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse, stringify } from "yaml";
import { Batch, Redis, WorkerImage } from "../../../components/index.ts";
import { InlineStacks } from "../../support/inline.ts";
import { environment, kubectl, onPlatform, say } from "../../support/platform.ts";

const namespace = `outputs-${process.pid}`;
const TOKEN = "token-that-nobody-may-read";
const PASSWORD = "password-that-nobody-may-read";

/** A worker's report of its surroundings. */
const SCRIPT = 'read note < /conf/note; [ -w /data ] && echo "$ITEM $BUCKET ${#TOKEN} $EXTRA $note $REDIS_HOST"';

interface Kubeconfig {
  contexts: [{ name: string; context: object }];
}

const kubeconfigOf = () => parse(readFileSync(environment().KUBECONFIG!, "utf8")) as Kubeconfig;

describe("a program whose arguments are outputs and secrets", () => {
  const stacks = new InlineStacks();
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-outputs-"));
  const other = join(dir, "kubeconfig");
  onPlatform(() => {
    const config = kubeconfigOf();
    const [{ context }] = config.contexts;
    const contexts = [...config.contexts, { name: "other", context: { ...context, namespace: `${namespace}-two` } }];
    writeFileSync(other, stringify({ ...config, contexts }));
  });
  after(async () => {
    stacks.forget();
    const left = [namespace, `${namespace}-two`];
    await say("kubectl", ["delete", "namespace", ...left, "--ignore-not-found", "--wait=false"]);
    rmSync(dir, { recursive: true });
  });

  let concurrency = 2;

  /** An annotation for accounting, as companies add it to everything. */
  const mark: pulumi.ResourceTransformation = ({ type, props, opts }) => {
    const { metadata } = props as { metadata?: { annotations?: object } };
    if (!type.startsWith("kubernetes:") || !metadata) return undefined;
    const annotations = { ...metadata.annotations, "cost-center": "42" };
    return { props: { ...props, metadata: { ...metadata, annotations } }, opts };
  };

  function program() {
    pulumi.runtime.registerStackTransformation(mark);
    const place = new k8s.core.v1.Namespace("two", { metadata: { name: `${namespace}-two` } });
    const made = <T>(value: T) => pulumi.all([place.id, value]).apply(([, known]) => known) as pulumi.Output<T>;
    const secret = (value: string) => made(pulumi.secret(value)) as unknown as pulumi.Output<string>;
    const kubeconfig = made(pulumi.secret(kubeconfigOf())) as unknown as pulumi.Output<string>;
    const provider = new k8s.Provider("own", { kubeconfig, enableSecretMutable: true, enableConfigMapMutable: true });
    const opts = { provider };
    const ns = new k8s.core.v1.Namespace("ns", { metadata: { name: namespace } }, opts);
    const inNamespace = { namespace: ns.metadata.name };
    const note = new k8s.core.v1.ConfigMap("note", { metadata: inNamespace, data: { note: "noted" } }, opts);
    const claim = new k8s.core.v1.PersistentVolumeClaim(
      "claim",
      {
        metadata: inNamespace,
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } },
      },
      opts,
    );
    const labels = { team: made("blue") };
    const redis = new Redis(
      "redis",
      { ...inNamespace, memory: made("64Mi"), labels, pod: { metadata: { annotations: made({ note: "redis" }) } } },
      opts,
    );
    const image = new WorkerImage(
      "code",
      {
        imageName: pulumi.interpolate`${made("127.0.0.1:5000")}/job-wq-2-outputs`,
        baseImage: made("node:24-slim"),
        registryUsername: made("me"),
        registryPassword: secret(PASSWORD),
      },
      opts,
    );
    const batch = new Batch(
      "work",
      {
        redis,
        image,
        items: [made("apple"), "fig"],
        command: ["sh", "-c", made(SCRIPT)],
        finish: made(["cat"]),
        env: { BUCKET: made("bucket"), REDIS_HOST: "mine" },
        secretEnv: { TOKEN: secret(TOKEN) },
        nodeSelector: { "kubernetes.io/os": made("linux") },
        tolerations: [{ key: made("dedicated"), operator: "Equal", value: made("batch"), effect: "NoSchedule" }],
        claims: claim.metadata.name.apply((name) => ({ [name]: "/data" })),
        labels,
        pod: {
          metadata: { labels: made({ color: "red" }) },
          spec: {
            volumes: [{ name: "conf", configMap: { name: note.metadata.name } }],
            containers: made([
              {
                name: "c",
                volumeMounts: [{ name: "conf", mountPath: "/conf" }],
                env: [{ name: "EXTRA", value: "extra" }],
              },
            ]),
          },
        },
        resources: { requests: { cpu: made("10m") } },
        concurrency: made(concurrency),
        maxAttempts: made(1),
        parallelism: 1,
      },
      opts,
    );
    const ready = new WorkerImage("ready", { baseImage: made("node:24-slim") }, opts);
    const range = new Batch(
      "range",
      {
        redis,
        image: ready,
        namespace: redis.namespace,
        itemsRange: made("1..3"),
        env: made({ STEP: "2" }),
        secretEnv: pulumi.secret({ TOKEN }),
        pod: { spec: { containers: [{ name: "c", env: [{ name: "EXTRA", value: made("1") }] }] } },
        command: ["sh", "-c", "echo $((ITEM * STEP + EXTRA)) ${#TOKEN}"],
        finish: ["cat"],
        after: [batch],
        parallelism: 1,
      },
      opts,
    );
    const outcome = new k8s.core.v1.ConfigMap(
      "outcome",
      {
        metadata: { ...inNamespace, name: "outcome" },
        data: { done: range.counts.apply(({ done }) => String(done)) },
      },
      { ...opts, dependsOn: batch },
    );
    // The program must treat this as another cluster, which exists only after the first batch has ended.
    const second = new k8s.Provider("second", {
      kubeconfig: batch.counts.apply(() => other),
      context: "other",
    });
    const last = new Batch(
      "second",
      {
        name: "work",
        redis: new Redis("second", { name: "redis" }, { provider: second }),
        image: ready,
        items: batch.counts.apply(({ done }) => [`${done}`]),
        command: ["echo"],
      },
      { provider: second },
    );
    return Promise.resolve({
      last: last.counts,
      done: outcome.data.done,
      work: batch.finish,
      range: range.finish,
      counts: batch.counts,
    });
  }

  const make = () => stacks.make("outputs", program);
  const get = (...args: string[]) => kubectl("-n", namespace, "get", ...args);
  const results = (text: string) =>
    text
      .split("\n")
      .map((line) => (JSON.parse(line) as { result: unknown }).result)
      .sort();

  it("is shown by a preview that knows none of the values", async () => {
    const preview = await InlineStacks.ended((await make()).preview());
    assert.deepEqual(preview.errors, [], preview.text);
    assert.match(preview.text, /^ {4}\+ \d+ to create$/m);
  });

  it("runs with their values, in one `up`", async () => {
    const stack = await make();
    const up = await InlineStacks.ended(stack.up());
    assert.deepEqual(up.errors, [], up.text);
    const { done, work, range, counts, last } = await stack.outputs();
    assert.equal(done!.value, "3");
    assert.deepEqual(last!.value, { total: 1, done: 1, failed: 0 });
    await kubectl("-n", `${namespace}-two`, "get", "job/work");
    assert.deepEqual(counts!.value, { total: 2, done: 2, failed: 0 });
    const length = TOKEN.length;
    assert.deepEqual(results(work!.value as string), [
      `apple bucket ${length} extra noted mine`,
      `fig bucket ${length} extra noted mine`,
    ]);
    assert.deepEqual(results(range!.value as string), [`3 ${length}`, `5 ${length}`, `7 ${length}`]);
    assert.equal(await get("cm/outcome", "-o", "jsonpath={.data.done}"), "3");
    for (const object of ["job/work", "cm/work-verdict", "secret/work-env"])
      assert.equal(await get(object, "-o", "jsonpath={.metadata.annotations.cost-center}"), "42", object);
    const labels = JSON.parse(await get("job/work", "-o", "jsonpath={.spec.template.metadata.labels}")) as object;
    assert.deepEqual({ ...labels, team: "blue", color: "red" }, labels);
  });

  it("keeps secrets secret, and the rest readable", async () => {
    const { deployment } = await (await make()).exportStack();
    // The export has secrets in plain text, under this key.
    const text = JSON.stringify(deployment, (key, value: unknown) => (key === "plaintext" ? "" : value));
    for (const kept of [TOKEN, PASSWORD, "BEGIN CERTIFICATE", "client-key-data"]) {
      assert.ok(!text.includes(kept), kept);
      assert.ok(!text.includes(Buffer.from(kept).toString("base64")), kept);
    }
    const { resources } = deployment as { resources: { urn: string; inputs: Record<string, unknown> }[] };
    const job = resources.find(({ urn }) => urn.endsWith("Job::work-workers"))!;
    assert.ok(JSON.stringify(job.inputs).includes("bucket"));
  });

  it("changes nothing if nothing changed", async () => {
    const { summary } = await (await make()).up();
    assert.deepEqual(summary.resourceChanges, { same: summary.resourceChanges!.same });
  });

  it("refuses a bad value in one line when it is known, and goes on with a good one", async () => {
    concurrency = 0;
    const { errors, text } = await InlineStacks.ended((await make()).up());
    assert.deepEqual(errors, ["Batch work: Expected `concurrency` to be an integer from 1 up, got 0."], text);
    concurrency = 2;
    const { summary } = await (await make()).up();
    assert.deepEqual(summary.resourceChanges, { same: summary.resourceChanges!.same });
  });

  it("is destroyed with all that it made", async () => {
    const destroyed = await InlineStacks.ended((await make()).destroy());
    assert.deepEqual(destroyed.errors, [], destroyed.text);
    await assert.rejects(kubectl("get", "namespace", namespace), /NotFound/);
  });
});
