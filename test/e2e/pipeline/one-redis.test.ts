// Full run only: in most other files, each batch has its own Redis.
// One Redis for many batches, of stacks and namespaces of their own; and one with a certificate of a private authority.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { fileBackend } from "../../../local/host/platformEnvironment.ts";
import { environment, kubectl, onPlatform, say } from "../../support/platform.ts";
import { TestStack, type Settings } from "../../support/stack.ts";

describe("one Redis for many batches", () => {
  const backend = mkdtempSync(join(tmpdir(), "job-wq-2-backend-"));
  const env = { PULUMI_BACKEND_URL: fileBackend(backend) };
  const store = new TestStack({ imageName: undefined, items: undefined, workers: false }, { env });
  const elsewhere = `${store.namespace}-b`;
  const borrower = (settings: Settings) =>
    new TestStack({ imageName: undefined, createNamespace: false, redisFrom: store.name, ...settings }, { env });
  const [one, two, three] = [
    borrower({ name: "one", namespace: `${store.namespace}-a`, items: ["a", "b"] }),
    borrower({ name: "two", namespace: `${store.namespace}-a`, items: ["c"] }),
    borrower({ name: "three", namespace: elsewhere, items: ["d", "e", "f"] }),
  ];
  const all = [one, two, three];

  onPlatform(async () => {
    for (const namespace of [`${store.namespace}-a`, elsewhere]) await kubectl("create", "namespace", namespace);
    for (const stack of [store, ...all]) await stack.init();
    await store.mustUp();
  });
  after(async () => {
    for (const stack of [...all, store]) await stack.remove();
    for (const namespace of [`${store.namespace}-a`, elsewhere])
      await say("kubectl", ["delete", "namespace", namespace, "--wait=false"]);
    rmSync(backend, { recursive: true });
  });

  const keys = async () =>
    (await store.redis("keys", "*"))
      .split("\n")
      .filter((key) => /^\{/.test(key))
      .map((key) => /^\{(.*)\}/.exec(key)![1]!);
  const listed = async () => {
    const { out } = await store.wq("list", "--json");
    return out.split("\n").map((line) => JSON.parse(line) as { queue: string; owner: string; done: number });
  };

  it("takes three stacks to their verdicts at once, two of them in one namespace", async () => {
    const said = await Promise.all(all.map((stack) => stack.up()));
    for (const { ok, text } of said) assert.ok(ok, text);
    const rows = (await listed()).map(({ queue, owner, done }) => [queue, owner, done]);
    const expected = [
      [one.name, `job-wq-2/${one.name}`, 2],
      [two.name, `job-wq-2/${two.name}`, 1],
      [three.name, `job-wq-2/${three.name}`, 3],
    ];
    assert.deepEqual(rows.sort(), expected.sort());
  });

  it("has a policy that admits exactly the pods of the borrowers", async () => {
    const { ingress } = JSON.parse(await store.kubectl("get", "networkpolicy/redis", "-o", "jsonpath={.spec}")) as {
      ingress: { from: { podSelector: { matchLabels: Record<string, string> } }[] }[];
    };
    const labels = Object.entries(ingress[0]!.from[0]!.podSelector.matchLabels);
    const selector = labels.map(([key, value]) => `${key}=${value}`).join(",");
    const pods = async (...args: string[]) =>
      (await kubectl("get", "pods", "-A", ...args, "-o", "name")).split("\n").filter(Boolean).sort();
    const admitted = await pods("-l", selector);
    const ours = await pods(
      "-l",
      "app.kubernetes.io/component in (seed,worker,supervisor),app.kubernetes.io/instance in (one,two,three)",
    );
    assert.ok(admitted.length >= 9, admitted.join());
    assert.deepEqual(admitted, ours);
  });

  it("has nothing to change in any of them", async () => {
    for (const stack of [store, ...all]) {
      const { ok, text } = await stack.preview("--expect-no-changes");
      assert.ok(ok, text);
    }
  });

  it("leaves the others at work if one is destroyed, and purges what that one left", async () => {
    await two.mustUp({ items: ["g", "h"], workSeconds: 600, wait: false, run: "2" });
    const destroyed = await one.pulumi("destroy", "--yes", "--skip-preview");
    assert.ok(destroyed.ok, destroyed.text);
    assert.equal(await kubectl("-n", `${store.namespace}-a`, "get", "job/two", "-o", "jsonpath={.status.active}"), "2");
    const busy = await store.wq("purge", two.name);
    assert.notEqual(busy.code, 0);
    const purged = await store.wq("purge", one.name);
    assert.equal(purged.code, 0, purged.err);
    assert.deepEqual([...new Set(await keys())].sort(), [two.name, three.name].sort());
    await two.mustUp({ workSeconds: 0, wait: true });
    assert.match(
      await kubectl(
        "-n",
        `${store.namespace}-a`,
        "logs",
        "-l",
        "app.kubernetes.io/instance=two,app.kubernetes.io/component=supervisor",
      ),
      /all 2 items done/,
    );
  });
});

describe("a Redis with a certificate of a private authority", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-tls-"));
  const stack = new TestStack({ imageName: undefined, createNamespace: false, items: ["a", "b"] });
  const { namespace } = stack;
  const openssl = (...args: string[]) => execa("openssl", args, { cwd: dir });

  onPlatform(async () => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    await openssl(
      "req",
      "-x509",
      ...key,
      "-keyout",
      "ca.key",
      "-out",
      "ca.crt",
      "-days",
      "2",
      "-subj",
      "/CN=a private authority",
    );
    const name = `safe.${namespace}`;
    await openssl(
      "req",
      "-new",
      ...key,
      "-keyout",
      "tls.key",
      "-out",
      "tls.csr",
      "-subj",
      `/CN=${name}`,
      "-addext",
      `subjectAltName=DNS:${name}`,
    );
    const by = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy"];
    await openssl("x509", "-req", "-in", "tls.csr", ...by, "-days", "2", "-out", "tls.crt");
    await kubectl("create", "namespace", namespace);
    const files = ["tls.key", "tls.crt", "ca.crt"].map((file) => `--from-file=${join(dir, file)}`);
    await stack.kubectl("create", "secret", "generic", "tls", ...files);
    const args =
      "--tls-port 6379 --port 0 --tls-cert-file /tls/tls.crt --tls-key-file /tls/tls.key --tls-ca-cert-file /tls/ca.crt --tls-auth-clients no --requirepass hush";
    const container = {
      name: "redis",
      image: "redis:8",
      command: ["redis-server", ...args.split(" ")],
      volumeMounts: [{ name: "tls", mountPath: "/tls" }],
    };
    const objects = [
      {
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name: "safe", labels: { app: "safe" } },
        spec: { containers: [container], volumes: [{ name: "tls", secret: { secretName: "tls" } }] },
      },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "safe" },
        spec: { selector: { app: "safe" }, ports: [{ port: 6379 }] },
      },
    ];
    const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    await execa("kubectl", ["-n", namespace, "apply", "-f", "-"], { env: environment(), input });
    await stack.kubectl("wait", "--for=condition=Ready", "pod/safe", "--timeout=60s");
    await stack.init();
    await stack.setSecret("redisUrl", `rediss://:hush@${`safe.${namespace}`}:6379`);
  });
  after(async () => {
    await stack.remove();
    rmSync(dir, { recursive: true });
  });

  it("is refused without `redisCa`, by a line that names it", async () => {
    const { ok, text } = await stack.up();
    assert.ok(!ok, text);
    assert.match(text, /error: .*certificate.*`redisCa`/);
  });

  it("serves seeding, workers, supervisor and `wq` with it", async () => {
    await stack.mustUp({ redisCa: readFileSync(join(dir, "ca.crt"), "utf8") });
    assert.match(await stack.verdict(), /all 2 items done/);
    const { code, out, err } = await stack.wq("results", "--csv");
    assert.deepEqual([code, err, out.split("\n").length], [0, "", 3]);
  });
});
