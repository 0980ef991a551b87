// Components in programs of many kinds, with transformations, options and config for every resource.
import assert from "node:assert/strict";
import * as pulumi from "@pulumi/pulumi";
import type * as Components from "../../../components/index.ts";
import { requireNodejs } from "../../../config/pulumiVersion.ts";
import { created, inputsOf, registered, reset, startMocks } from "../../support/mockProgram.ts";

type Texts = Record<string, string>;
type Named = { metadata: { name?: string } };

describe("the components", () => {
  let components: typeof Components;
  before(async () => {
    await startMocks();
    components = await import("../../../components/index.ts");
  });
  beforeEach(reset);

  /** Declares a Redis and a Batch with these options. */
  async function declare(opts: pulumi.ComponentResourceOptions = {}, redisArgs: Components.RedisArgs = {}) {
    const redis = new components.Redis("redis", { namespace: "fruits", ...redisArgs }, opts);
    const image = new components.WorkerImage("worker", { image: "reg.example.com/x:1" }, opts);
    const args = {
      redis,
      image,
      items: ["a"],
      secretEnv: { TOKEN: "t" },
      notify: "https://example.com",
      metrics: true,
    };
    new components.Batch("work", { ...args, parallelism: "1..2" }, opts);
    await registered();
  }
  const objects = () => created.filter(({ type }) => type.startsWith("kubernetes:"));

  /** Options of all resources, as they are after the components' own transformations. */
  async function optionsOfAll(opts: pulumi.ComponentResourceOptions) {
    const seen = new Map<string, pulumi.CustomResourceOptions>();
    const record: pulumi.ResourceTransformation = ({ type, name, opts: own }) => {
      if (type.startsWith("kubernetes:") || type.endsWith(":Batch")) seen.set(name, own);
      return undefined;
    };
    const parent = new pulumi.ComponentResource("acme:index:Thumbs", "thumbs", {}, { transformations: [record] });
    await declare({ ...opts, parent });
    return seen;
  }

  type Metadata = { labels?: Texts; annotations?: Texts };
  const added = (metadata: Metadata) => ({
    ...metadata,
    labels: { ...metadata.labels, team: "blue" },
    annotations: { ...metadata.annotations, "cost-center": "42" },
  });
  for (const [title, change] of [
    ["", added],
    [", as an output", (metadata: Metadata) => pulumi.output(metadata).apply((known) => added(known as Metadata))],
  ] as const)
    it(`let a transformation add labels and annotations to everything${title}`, async () => {
      const add: pulumi.ResourceTransformation = ({ type, props, opts }) => {
        const { metadata } = props as { metadata?: Metadata };
        if (!type.startsWith("kubernetes:") || !metadata) return undefined;
        return { props: { ...props, metadata: change(metadata) }, opts };
      };
      const parent = new pulumi.ComponentResource("acme:index:Thumbs", "thumbs", {}, { transformations: [add] });
      await declare({ parent });
      assert.equal(objects().length, 15);
      for (const { name, inputs } of objects()) {
        const { labels, annotations } = (inputs as { metadata: { labels: Texts; annotations: Texts } }).metadata;
        assert.deepEqual([labels.team, annotations["cost-center"]], ["blue", "42"], name);
        assert.equal(annotations["job-wq-2/owner"], "job-wq-2/test", name);
        for (const [key, value] of Object.entries(annotations))
          assert.ok(typeof value === "string" && /^[\w.-]+(\/[\w.-]+)?$/.test(key), `${name}: ${key}`);
      }
      assert.match(
        (inputsOf("work-seed") as { metadata: { annotations: Texts } }).metadata.annotations["job-wq-2/follows"]!,
        /^uid of redis-pod$/,
      );
    });

  it("may be children of one another", async () => {
    const redis = new components.Redis("redis", { namespace: "fruits", owner: "old/one" });
    const image = new components.WorkerImage("worker", { image: "reg.example.com/x:1" }, { parent: redis });
    const first = new components.Batch("first", { redis, image, items: ["a"] }, { parent: redis });
    new components.Batch("second", { redis, image, items: ["a"], after: [first] }, { parent: first });
    await registered();
    const ownerOf = (name: string) =>
      (inputsOf(name) as { metadata: { annotations: Texts } }).metadata.annotations["job-wq-2/owner"];
    assert.deepEqual(["redis-pod", "first-verdict", "second-verdict"].map(ownerOf), [
      "old/one",
      "job-wq-2/test",
      "job-wq-2/test",
    ]);
  });

  it("replace a Secret if its content changes, also if the provider could change it", async () => {
    const options = await optionsOfAll({});
    for (const name of ["work-env", "work-supervisor-notify"])
      assert.deepEqual(options.get(name)!.replaceOnChanges, ["data"]);
  });

  const disabled = { mode: "disabled" };
  for (const [where, config] of [
    ["", disabled],
    [" for Kubernetes", { providers: { kubernetes: disabled } }],
    [" for Jobs", { providers: { kubernetes: { resources: { "kubernetes:batch/v1:Job": disabled } } } }],
  ] as const)
    it(`name the supervisor Job if the stack's config forbids generated names${where}`, async () => {
      pulumi.runtime.setConfig("pulumi:autonaming", JSON.stringify(config));
      await declare();
      for (const { name, inputs } of objects())
        assert.ok((inputs as { metadata: { name?: string } }).metadata.name, name);
      assert.equal((inputsOf("work-supervisor") as { metadata: { name: string } }).metadata.name, "work-supervisor");
      pulumi.runtime.setConfig("pulumi:autonaming", "{}");
    });

  it("give the supervisor Job a name that Kubernetes takes, whatever the component is called", async () => {
    const redis = new components.Redis("redis", { namespace: "fruits" });
    const image = new components.WorkerImage("worker", { image: "reg.example.com/x:1" });
    const long = "a-name-with-forty-four-characters-in-a-program";
    for (const [component, name] of [
      ["thumbnailBatch", "thumbnails"],
      ["Thumbnail batch", "others"],
      [long, "a-name-with-the-forty-characters-allowed"],
    ] as const)
      new components.Batch(component, { redis, image, items: ["a"], name, queue: name });
    await registered();
    const jobs = created.filter(({ type, inputs }) => type.endsWith(":Job") && !(inputs as Named).metadata.name);
    assert.deepEqual(
      jobs.map(({ name }) => name.replace(/-\w{8}-supervisor$/, "-…")),
      ["thumbnails-…", "others-…", "a-name-with-the-forty-characters-a-…"],
    );
    for (const { name } of jobs) assert.match(name, /^[a-z0-9-]{1,54}$/);
  });

  it("are in the namespace of the Redis, also if that is given again, and created by the Redis", async () => {
    const place = { namespace: "fruits" };
    const redis = new components.Redis("work-redis", { ...place, createNamespace: true });
    const image = new components.WorkerImage("worker", { image: "reg.example.com/x:1" });
    new components.Batch("work", { redis, image, items: ["a"], ...place });
    const elsewhere = pulumi.output("fruits");
    new components.Batch("else", { redis, image, items: ["a"], namespace: elsewhere });
    await registered();
    const secrets = objects().filter(({ type }) => type.endsWith(":Secret"));
    assert.deepEqual(
      secrets.map(({ inputs }) => (inputs as Named).metadata.name),
      ["work-redis", "else-redis-address"],
    );
  });

  it("have the Kubernetes provider of the Redis, unless they or their parent have one", async () => {
    const k8s = await import("@pulumi/kubernetes");
    const [one, two] = ["one", "two"].map((name) => new k8s.Provider(name, { context: name })) as [never, never];
    const redis = new components.Redis("redis", { namespace: "fruits" }, { provider: one });
    const image = new components.WorkerImage("worker", { image: "reg.example.com/x:1" });
    const parent = new pulumi.ComponentResource("acme:index:Thumbs", "thumbs", {}, { providers: [two] });
    const providerOf = (name: string, opts?: pulumi.ComponentResourceOptions) =>
      new components.Batch(name, { redis, image, items: ["a"] }, opts).getProvider("kubernetes:core/v1:Pod");
    assert.deepEqual(
      [providerOf("a"), providerOf("b", { provider: two }), providerOf("c", { parent })],
      [one, two, two],
    );
    await registered();
  });

  it("leave the namespace unknown if the provider's is", async () => {
    const k8s = await import("@pulumi/kubernetes");
    const namespaceOf = async (args: object) => {
      const provider = new k8s.Provider(`of ${JSON.stringify(args)}`, args);
      const { namespace } = new components.Redis(JSON.stringify(args).length + "r", {}, { provider });
      return (namespace as unknown as { promise: () => Promise<unknown> }).promise();
    };
    assert.equal(await namespaceOf({ namespace: "nuts", kubeconfig: pulumi.unknown }), "nuts");
    assert.equal(await namespaceOf({ namespace: pulumi.unknown }), undefined);
    assert.equal(await namespaceOf({ kubeconfig: pulumi.unknown }), undefined);
  });

  it("may be exported as they are: a stack's outputs have neither their code nor whole Jobs", () => {
    const redis = new components.Redis("redis", { namespace: "fruits" });
    const image = new components.WorkerImage("worker", { image: "reg.example.com/x:1" });
    const batch = new components.Batch("work", { redis, image, items: ["a"] });
    const listed = (component: object) => Object.keys(component).filter((name) => !name.startsWith("__"));
    const own = ["urn", "workerJob", "supervisorJob", "commands", "finish"];
    assert.deepEqual(listed(batch).sort(), own.sort());
    assert.deepEqual(listed(redis).sort(), ["location", "namespace", "podName", "reference", "urn"]);
    assert.deepEqual(listed(image).sort(), ["handler", "isReadyMade", "pullSecret", "urn"]);
  });

  it("take `createNamespace` as it is written in config", async () => {
    const createNamespace = (text: string) => text as unknown as boolean;
    await declare({}, { createNamespace: createNamespace("false") });
    assert.deepEqual(
      objects().filter(({ type }) => type.endsWith(":Namespace")),
      [],
    );
    assert.throws(() => new components.Redis("ns", { namespace: "a", createNamespace: createNamespace("yes") }), {
      message: 'Redis ns: Expected `createNamespace` to be true or false, got "yes".',
    });
  });

  it("need no arguments if all have a default, and name one that is needed", () => {
    new components.Redis("none");
    new components.WorkerImage("none");
    assert.throws(() => new components.Batch("none", undefined as unknown as Components.BatchArgs), {
      message: "Batch none: Expected its arguments as an object, got none.",
    });
  });

  it("run on Bun only with mocks", () => {
    assert.throws(() => requireNodejs({ bun: "1.4.5" }), {
      message:
        "job-wq-2 runs on Node.js, and this is Bun, which cannot check the certificate of a cluster: set `runtime: nodejs` in Pulumi.yaml; Bun may install the packages.",
    });
    requireNodejs();
  });

  it("name the kind of a value that is no component", () => {
    const redis = new components.Redis("kinds", { namespace: "fruits" });
    const image = new components.WorkerImage("kinds", { image: "reg.example.com/x:1" });
    const refused = (args: object, line: string) =>
      assert.throws(() => new components.Batch("kinds", { redis, image, items: ["a"], ...args }), {
        message: `Batch kinds: Expected ${line}.`,
      });
    refused({ items: new Set(["a"]) }, "`items` to be a list of texts, got a Set");
    refused({ items: () => ["a"] }, "`items` to be a list of texts, got a function");
    refused({ env: new Map([["A", "1"]]) }, "`env` to be a map, got a Map");
    refused({ env: redis }, "`env` to be a map, got a resource: give one of its outputs");
    refused({ concurrency: 2n }, '`concurrency` to be an integer from 1 up, got "2"');
    const path = "to be the path of a file, relative to the program";
    for (const [handler, got] of [
      [new URL("file:///work.ts"), "a URL"],
      [pulumi.output("work.ts"), "an output"],
    ] as const)
      assert.throws(() => new components.WorkerImage("kinds", { handler: handler as unknown as string }), {
        message: `WorkerImage kinds: Expected \`handler\` ${path}, got ${got}.`,
      });
  });

  it("say in one line which Batch has items that turn out to be bad once they are known", async () => {
    const redis = new components.Redis("late", { namespace: "fruits" });
    const image = new components.WorkerImage("late", { image: "reg.example.com/x:1" });
    const told = new Set<string>();
    const tell = ({ message }: Error) => void told.add(message);
    const others = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection").on("unhandledRejection", tell);
    for (const [name, items] of [
      ["late-list", { items: pulumi.output("a") }],
      ["late-range", { itemsRange: pulumi.output("9..1") }],
    ] as const)
      new components.Batch(name, { redis, image, ...(items as object) });
    await registered();
    process.removeAllListeners("unhandledRejection");
    for (const other of others) process.on("unhandledRejection", other);
    assert.deepEqual(
      [...told],
      [
        'Batch late-list: Expected `items` to be a list of texts, got "a".',
        'Batch late-range: Expected `itemsRange` to be two whole numbers, the smaller first, like 1..1000, got "9..1".',
      ],
    );
  });

  it("refuse a `from` that is no reference, like another output of a stack", async () => {
    const given = (from: unknown) => {
      const { reference } = new components.Redis("other", { from: pulumi.output<never>(from as never) });
      return (reference as unknown as { promise: () => Promise<unknown> }).promise();
    };
    for (const [from, got] of [
      [undefined, "nothing"],
      ["redis://me:hunter2@host:6379", "something else"],
    ] as const)
      await assert.rejects(given(from), {
        message: `Redis other: Expected \`from\` to be the \`reference\` of a Redis, as its program exports it, got ${got}.`,
      });
  });
});
