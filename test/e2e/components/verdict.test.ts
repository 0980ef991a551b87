// The verdict as a resource, in inline programs of the Automation API: all of them in this one process, which lives on.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import type { BatchArgs, RedisArgs } from "../../../components/index.ts";
import { Batch, Redis, WorkerImage } from "../../../components/index.ts";
import { isFull } from "../../support/full.ts";
import { freePort } from "../../support/freePort.ts";
import { InlineStacks } from "../../support/inline.ts";
import { environment, kubectl, onPlatform, say } from "../../support/platform.ts";

const id = `v${process.pid}`;
interface Kubeconfig {
  users: { user: Record<string, string> }[];
}

const ended = (run: Promise<{ stdout: string }>) => InlineStacks.ended(run);

describe("the verdict of a Batch", () => {
  const stacks = new InlineStacks();
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-verdict-"));
  /** Output of a program that a kubeconfig starts, and a line for each of its starts. */
  const [credentials, asked] = [join(dir, "credentials"), join(dir, "asked")];
  onPlatform();
  after(async () => {
    stacks.forget();
    rmSync(dir, { recursive: true });
    const left = ["one", "two", "three", "five"].map((name) => `${id}-${name}`);
    await say("kubectl", ["delete", "namespace", ...left, "--ignore-not-found", "--wait=false"]);
  });

  /** A program: a Batch, what depends on it, and what does not. */
  const programOf = (namespace: string, args: () => Partial<BatchArgs>, other = () => "1") =>
    function run() {
      const redis = new Redis("redis", { namespace: `${id}-${namespace}`, createNamespace: true });
      const image = new WorkerImage("code", {});
      const batch = new Batch("work", {
        redis,
        image,
        namespace: `${id}-${namespace}`,
        items: ["apple", "fig"],
        parallelism: 1,
        command: ["sh", "-c", '[ "$ITEM" != "$BAD" ]'],
        maxAttempts: 1,
        ...args(),
      });
      const metadata = { namespace: redis.namespace };
      new k8s.core.v1.ConfigMap("after", { metadata: { ...metadata, name: "after" } }, { dependsOn: batch });
      new k8s.core.v1.ConfigMap("other", { metadata: { ...metadata, name: "other" }, data: { is: other() } });
      return Promise.resolve({
        counts: batch.counts,
        failed: batch.failed,
        seconds: batch.seconds,
        finish: batch.finish,
      });
    };
  const get = (namespace: string, ...args: string[]) => kubectl("-n", `${id}-${namespace}`, "get", ...args);
  const time = (namespace: string, what: string) =>
    get(namespace, what, "-o", "jsonpath={.metadata.creationTimestamp}").then((text) => Date.parse(text));

  let args: Partial<BatchArgs> = {};
  const other = "1";
  const FAILED = /^1 of 2 items failed: fig \(why: [^)]*\)$/;

  it("holds up what depends on it, and has the outcome", async () => {
    args = { finish: ["sh", "-c", "wc -l"], command: ["sleep", "3"] };
    const stack = await stacks.make(
      "one",
      programOf(
        "one",
        () => args,
        () => other,
      ),
    );
    const { outputs } = await stack.up();
    assert.deepEqual(outputs.counts!.value, { total: 2, done: 2, failed: 0 });
    assert.deepEqual(outputs.failed!.value, []);
    assert.equal(outputs.finish!.value, "2");
    assert.ok((outputs.seconds!.value as number) >= 5);
    assert.ok((await time("one", "cm/after")) - (await time("one", "job/work")) >= 6_000);
    const again = await stack.up();
    assert.deepEqual(again.summary.resourceChanges, { same: again.summary.resourceChanges!.same });
    assert.deepEqual(again.outputs.counts!.value, { total: 2, done: 2, failed: 0 });
  });

  it("is given again, without another run, if it was lost before it was kept", async () => {
    const workers = await time("one", "job/work");
    await kubectl("-n", `${id}-one`, "delete", "configmap/work-verdict");
    await kubectl("-n", `${id}-one`, "delete", "pod", "-l", "app.kubernetes.io/component=supervisor");
    const program = programOf(
      "one",
      () => args,
      () => other,
    );
    const again = await ended((await stacks.make("one", program)).up());
    assert.deepEqual(again.errors, [], again.text);
    const { counts, finish } = await (await stacks.make("one", program)).outputs();
    assert.deepEqual([counts!.value, finish!.value], [{ total: 2, done: 2, failed: 0 }, "2"]);
    assert.equal(await time("one", "job/work"), workers);
  });

  it("stands if a janitor deleted the Jobs", async () => {
    await kubectl("-n", `${id}-one`, "delete", "jobs", "--all");
    const stack = await stacks.make(
      "one",
      programOf(
        "one",
        () => args,
        () => other,
      ),
    );
    const again = await stack.up();
    assert.deepEqual(again.summary.resourceChanges, { same: again.summary.resourceChanges!.same });
    assert.deepEqual(again.outputs.counts!.value, { total: 2, done: 2, failed: 0 });
  });

  it("fails the program with one line if it is bad, and no resource that depends on it is made", async () => {
    const stack = await stacks.make(
      "two",
      programOf("two", () => ({ env: { BAD: "fig" } })),
    );
    const { errors, text } = await ended(stack.up());
    assert.equal(errors.length, 1, text);
    assert.match(errors[0]!, FAILED);
    await assert.rejects(get("two", "cm/after"), /NotFound/);
    await get("two", "cm/other");
    await assert.rejects(get("two", "cm/work-verdict"), /NotFound/);
  });

  it("is neither waited for nor read if it is not targeted", async () => {
    const stack = await stacks.make(
      "two",
      programOf(
        "two",
        () => ({ env: { BAD: "fig" } }),
        () => "2",
      ),
    );
    const jobs = await get("two", "jobs", "-o", "name");
    const target = ["urn:pulumi:two::inline::kubernetes:core/v1:ConfigMap::other"];
    const up = await ended(stack.up({ target }));
    assert.deepEqual(up.errors, [], up.text);
    assert.equal(await get("two", "cm/other", "-o", "jsonpath={.data.is}"), "2");
    const refreshed = await ended(stack.refresh({ runProgram: true }));
    assert.deepEqual(refreshed.errors, [], refreshed.text);
    assert.equal(await get("two", "jobs", "-o", "name"), jobs);
    const destroyed = await ended(stack.destroy({ runProgram: true }));
    assert.deepEqual(destroyed.errors, [], destroyed.text);
    await assert.rejects(get("two", "cm/other"), /NotFound/);
  });

  it("is not touched by a program with the same names: that ends before anything is made, also in a preview", async () => {
    const made = () => get("one", "all,cm,secrets,networkpolicies", "-o", "name");
    const before = await made();
    const thief = (name: string, args: RedisArgs) =>
      stacks.make(name, () => {
        const redis = new Redis("redis", args);
        new Batch("work", { redis, image: new WorkerImage("code", {}), items: ["a"], command: ["true"] });
        return Promise.resolve({});
      });
    const namespace = `${id}-one`;
    const renamed = ", or, if that is the old name of this one, `owner: inline/one`";
    const refused: [args: RedisArgs, line: string | RegExp][] = [
      [
        { namespace },
        `Redis redis: NetworkPolicy redis exists in namespace ${namespace}, and is of the stack inline/one: choose another \`name\` or \`namespace\`${renamed}.`,
      ],
      [
        { namespace, name: "mine" },
        new RegExp(
          `^Batch work: \\w+ work\\S* exists in namespace ${namespace}, and is of the stack inline/one: choose`,
        ),
      ],
      [
        { namespace, createNamespace: true },
        `Redis redis: Namespace ${namespace} exists, and is of the stack inline/one: leave out \`createNamespace\`${renamed}.`,
      ],
      [
        { namespace, name: "kept", storage: "1Mi" },
        `Redis redis: PersistentVolumeClaim data-kept-master-0 exists in namespace ${namespace}, and is not of this program: choose another \`name\` or \`namespace\`; to use its data: kubectl -n ${namespace} annotate pvc data-kept-master-0 job-wq-2/owner=inline/thief-3`,
      ],
      [
        { namespace: `${id}-none` },
        `Redis redis: there is no namespace ${id}-none: \`createNamespace\` creates it, or: kubectl create namespace ${id}-none`,
      ],
    ];
    const claim = {
      apiVersion: "v1",
      kind: "PersistentVolumeClaim",
      metadata: { name: "data-kept-master-0", namespace },
    };
    const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Mi" } } };
    await execa("kubectl", ["apply", "-f", "-"], { env: environment(), input: JSON.stringify({ ...claim, spec }) });
    const twins = await stacks.make("twins", () => {
      for (const name of ["one", "two"]) new Redis(name, { namespace, name: "twin" });
      return Promise.resolve();
    });
    const { errors } = await ended(twins.preview());
    assert.deepEqual(errors, [
      `Redis two: NetworkPolicy twin in namespace ${namespace} is that of Redis one: choose another \`name\` or \`namespace\`.`,
    ]);
    for (const [index, [args, line]] of refused.entries()) {
      const stack = await thief(`thief-${index}`, args);
      const preview = await ended(stack.preview());
      for (const { errors, text } of index === 0 || isFull ? [preview, await ended(stack.up())] : [preview]) {
        assert.equal(errors.length, 1, text);
        if (typeof line === "string") assert.equal(errors[0], line);
        else assert.match(errors[0]!, line);
      }
    }
    assert.equal(await made(), before);
  });

  it("is waited for on the cluster of an explicit provider, in its namespace, and shown by a preview", async () => {
    await kubectl("create", "namespace", `${id}-five`);
    const kubeconfig = parse(readFileSync(process.env.KUBECONFIG!, "utf8")) as Kubeconfig;
    const decoded = (data: string | undefined) => Buffer.from(data!, "base64").toString();
    const { user } = kubeconfig.users[0]!;
    const status = {
      clientCertificateData: decoded(user["client-certificate-data"]),
      clientKeyData: decoded(user["client-key-data"]),
    };
    const api = "client.authentication.k8s.io/v1";
    writeFileSync(credentials, JSON.stringify({ apiVersion: api, kind: "ExecCredential", status }));
    // The provider tells such a program of itself.
    const script = `[ -n "$KUBERNETES_EXEC_INFO" ] || echo >> ${asked}; cat ${credentials}`;
    const exec = { apiVersion: api, command: "sh", args: ["-c", script], interactiveMode: "Never" };
    kubeconfig.users[0]!.user = { exec } as never;
    const text = JSON.stringify(kubeconfig);
    const away = `127.0.0.1:${await freePort()}`;
    const onCluster = (kubeconfig: string) => () => {
      const provider = new k8s.Provider("own", { kubeconfig: pulumi.secret(kubeconfig), namespace: `${id}-five` });
      const opts = { provider };
      const redis = new Redis("redis", {}, opts);
      const batch = new Batch(
        "work",
        { redis, image: new WorkerImage("code", {}), items: ["a"], command: ["true"] },
        { ...opts, parent: redis },
      );
      return Promise.resolve({ counts: batch.counts });
    };
    const stack = await stacks.make("five", onCluster(text));
    const other = await stacks.make("away", onCluster(text.replace(/https:\/\/[^"]+/, `https://${away}`)));
    const { changeSummary } = await stack.preview();
    const up = await ended(stack.up());
    const lost = await ended(other.preview());
    assert.deepEqual(lost.errors, [`The cluster at https://${away} does not answer: connect ECONNREFUSED ${away}.`]);
    assert.deepEqual(up.errors, [], up.text);
    assert.deepEqual((await stack.outputs()).counts!.value, { total: 1, done: 1, failed: 0 });
    const created = Number(/^ {4}\+ (\d+) created$/m.exec(up.text)![1]);
    assert.equal(changeSummary.create, created);
    await get("five", "cm/work-verdict");
    // Once for each program: two previews, and an `up`.
    assert.equal(readFileSync(asked, "utf8"), "\n\n\n");
  });

  it("leaves its process alive: good programs run after a bad one, and beside bad ones", async () => {
    const run = async (stack: string, ...program: Parameters<typeof programOf>) =>
      ended((await stacks.make(stack, programOf(...program))).up());
    const refused = await run("refused", "three", () => ({ parallelism: 0 }));
    const REFUSED = "Batch work: Expected `parallelism` to be an integer from 1 up, or a range like 2..100, got 0.";
    assert.deepEqual(refused.errors, [REFUSED]);
    const image = "127.0.0.1:5000/nobody-pushed-this:1";
    const unpulled = await run("three", "three", () => ({ image: new WorkerImage("gone", { image }) }));
    assert.equal(unpulled.errors.length, 1, unpulled.text);
    assert.match(unpulled.errors[0]!, /^The cluster cannot pull 127.0.0.1:5000\/nobody-pushed-this:1: /);
    const selector = { "kubernetes.io/os": "not a label!" };
    const beside = await Promise.all([
      run("one", "one", () => ({ run: "2" })),
      run("three", "three", () => ({})),
      run("two", "two", () => ({ env: { BAD: "fig" } })),
      run("refused", "four", () => ({ parallelism: 0 })),
      run("impossible", "four", () => ({ nodeSelector: selector })),
    ]);
    const lines = beside.map(({ errors }) => errors.join("; "));
    const text = beside.map(({ text }) => text).join("\n---\n");
    assert.deepEqual(lines.slice(0, 2), ["", ""], text);
    assert.match(lines[2]!, FAILED);
    assert.equal(lines[3], REFUSED);
    assert.match(lines[4]!, /^Batch work: Kubernetes refuses `nodeSelector`: [^;]*$/);
  });

  it("is given up with the `up` that waits for it, and waited for, whatever a transformation ignores", async () => {
    const ignoring = (args: Partial<BatchArgs>, withhold: () => void) =>
      stacks.make("one", () => {
        withhold();
        return programOf("one", () => args)();
      });
    const ignoreChanges = ["metadata.annotations"];
    const byTransformation = () =>
      void pulumi.runtime.registerStackTransformation(({ type, props, opts }) =>
        type.startsWith("kubernetes:") ? { props, opts: { ...opts, ignoreChanges } } : undefined,
      );
    const byTransform = () =>
      void pulumi.runtime.registerResourceTransform(({ type, props, opts }) =>
        type === "kubernetes:batch/v1:Job" ? { props, opts: { ...opts, ignoreChanges } } : undefined,
      );
    const stack = await ignoring({ run: "3", command: ["sleep", "600"] }, byTransformation);
    const given = new AbortController();
    const up = ended(stack.up({ signal: given.signal }));
    const seeded = () => get("one", "pods", "-l", "app.kubernetes.io/component=supervisor", "-o", "name");
    const before = await seeded();
    while ((await seeded()) === before || (await seeded()) === "")
      await new Promise((resolve) => setTimeout(resolve, 500));
    given.abort();
    assert.match((await up).text, /CommandError|code: -\d/);
    // The engine applies it after the components' own transformations, which cannot undo it.
    const unasked = await ended((await ignoring({ run: "3" }, byTransform)).up());
    assert.match(unasked.errors.join(), /a transform keeps Pulumi from changing the annotations of Jobs: leave out/);
    const changed = await ignoring({ run: "4" }, byTransformation);
    const again = await ended(changed.up());
    assert.deepEqual(again.errors, [], again.text);
    assert.deepEqual((await changed.outputs()).counts!.value, { total: 2, done: 2, failed: 0 });
  });
});
