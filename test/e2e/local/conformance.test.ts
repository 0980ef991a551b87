// The table of local/plugins/conformance.ts, run with real resources.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { fileBackend } from "../../../local/host/environment.ts";
import { pollUntil } from "../../../local/host/poll.ts";
import { errors, rows } from "../../../local/plugins/conformance.ts";
import { pluginVersions } from "../../../local/plugins/versions.ts";
import { platformUp } from "../../support/platform.ts";

const official = process.env.PLUGINS === "official";
const namespace = `conformance-${process.pid}`;

/** Makes what RESOURCES lists, each under its literal name, but those that the plugin names. */
const program = `
import * as pulumi from "@pulumi/pulumi";
const { namespace, resources } = JSON.parse(process.env.RESOURCES);
const made = {};
for (const { type, name, inputs, autonamed, ignoreChanges, owner } of resources) {
  const [api, kind] = type.split(":");
  const metadata = { ...inputs.metadata };
  if (kind === "Namespace") metadata.name = namespace + "-made";
  else metadata.namespace = namespace;
  if (!autonamed) metadata.name ??= name;
  if (owner) {
    const { name, uid } = made[owner].metadata.apply((owned) => owned);
    metadata.ownerReferences = [{ apiVersion: "batch/v1", kind: "Job", name, uid }];
  }
  const group = api.replace(/^core\\//, "");
  const opts = { version: "${pluginVersions.kubernetes}", ignoreChanges };
  made[name] = new pulumi.CustomResource(
    "kubernetes:" + type, name, { apiVersion: group, kind, ...inputs, metadata }, opts,
  );
}
`;

describe(`the kubernetes plugin (${official ? "official" : "the platform's"}) conforms`, function () {
  this.timeout(10 * 60_000);
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-conformance-"));
  let env: Record<string, string>;
  type Resource = { type: string; name: string; inputs: Record<string, unknown> };
  const how = ["--stack", "t", "--non-interactive"];
  const options = (resources: Resource[]) => ({
    cwd: dir,
    env: { ...env, RESOURCES: JSON.stringify({ namespace, resources }) },
    all: true as const,
    reject: false as const,
  });
  const pulumi = (args: string[], resources: Resource[]) => execa("pulumi", [...args, ...how], options(resources));
  const up = (resources: Resource[]) => pulumi(["up", "--yes", "--skip-preview"], resources);
  const kubectl = async (...args: string[]) => (await execa("kubectl", ["-n", namespace, ...args], { env })).stdout;
  const made = (state: "before" | "after") => rows.map((row) => ({ ...row, inputs: row[state] }));
  const names = async (kind: string) => (await kubectl("get", kind, "-o", "name")).split("\n");
  const autonamed = async () =>
    [...(await names("jobs")), ...(await names("configmaps"))].filter((name) => /-autonamed-/.test(name));

  before(async function () {
    this.timeout(30 * 60_000);
    env = { ...(await platformUp()), PULUMI_BACKEND_URL: fileBackend(join(dir, "backend")) };
    if (official) env.PULUMI_HOME = join(homedir(), ".pulumi");
    mkdirSync(join(dir, "backend"));
    symlinkSync(join(import.meta.dirname, "../../..", "node_modules"), join(dir, "node_modules"));
    writeFileSync(join(dir, "package.json"), JSON.stringify({ type: "module", main: "index.js" }));
    writeFileSync(join(dir, "index.js"), program);
    writeFileSync(
      join(dir, "Pulumi.yaml"),
      "name: conformance\nruntime:\n  name: nodejs\n  options: {typescript: false}\nmain: index.js\n",
    );
    await execa("kubectl", ["create", "namespace", namespace], { env });
    await execa("pulumi", ["stack", "init", "t"], { cwd: dir, env });
    const first = await up(made("before"));
    assert.equal(first.exitCode, 0, first.all);
  });
  after(async () => {
    await pulumi(["destroy", "--yes", "--skip-preview"], []);
    await execa("kubectl", ["delete", "namespace", namespace, "--wait=false"], { env, reject: false });
    rmSync(dir, { recursive: true, force: true });
  });

  it("waits for what it makes", async () => {
    const { stdout } = await execa(
      "kubectl",
      ["get", "-n", namespace, "job/job-template", "pod/pod-same", "pod/pod-waited-for", "-o", "json"],
      { env },
    );
    const { items } = JSON.parse(stdout) as { items: { status: { conditions: { type: string; status: string }[] } }[] };
    const met = items.map(({ status }) =>
      status.conditions.filter((one) => one.status === "True").map(({ type }) => type),
    );
    assert.ok(met[0]!.includes("Complete"), String(met[0]));
    assert.ok(met[1]!.includes("Ready"), String(met[1]));
    assert.ok(met[2]!.includes("Ready"), String(met[2]));
  });

  it("gives a name of its own to what has none, and an owner its uid", async () => {
    const found = await autonamed();
    assert.equal(found.length, 2);
    for (const name of found) assert.match(name, /^(job.batch\/job|configmap\/map)-autonamed-[0-9a-f]{7,8}$/);
    const owner = await kubectl("get", "configmap/map-owned", "-o", "jsonpath={.metadata.ownerReferences[0].uid}");
    assert.equal(owner, await kubectl("get", "job/job-same", "-o", "jsonpath={.metadata.uid}"));
  });

  it("makes of each change what its row says", async () => {
    const before = await autonamed();
    const preview = await pulumi(["preview", "--json", "--show-sames"], made("after"));
    assert.equal(preview.exitCode, 0, preview.all);
    const { steps } = JSON.parse(preview.stdout) as { steps: { op: string; urn: string }[] };
    const seen = Object.fromEntries(rows.map(({ name }) => [name, "none"]));
    for (const { op, urn } of steps) {
      const name = urn.split("::").at(-1)!;
      if (name in seen && (op === "same" || op === "update" || op === "replace")) seen[name] = op;
    }
    assert.deepEqual(seen, Object.fromEntries(rows.map(({ name, expect }) => [name, expect])));
    const second = await up(made("after"));
    assert.equal(second.exitCode, 0, second.all);
    const [job, map] = await autonamed();
    assert.notEqual(job, before[0], "a new Job has a new name");
    assert.equal(map, before[1], "what is updated keeps its name");
    assert.equal(await kubectl("get", "job/job-ignored", "-o", "jsonpath={.spec.parallelism}"), "1");
  });

  it("sees no drift where there is none", async () => {
    // The official one finds a Job that runs, and that nobody waits for, in poor health when it is asked to refresh it.
    const over = made("after").filter(({ name }) => name !== "job-not-waited-for" && name !== "job-ignored");
    const without = await up(over);
    assert.equal(without.exitCode, 0, without.all);
    const refreshed = await pulumi(["refresh", "--yes", "--skip-preview", "--expect-no-changes"], over);
    assert.equal(refreshed.exitCode, 0, refreshed.all);
  });

  for (const { type, name, inputs, error, source, inPreview } of errors) {
    it(`says of ${name} what the official one says (${source})`, async () => {
      const resources = [...made("after"), { type, name, inputs }];
      const failed = await (inPreview ? pulumi(["preview"], resources) : up(resources));
      assert.notEqual(failed.exitCode, 0);
      assert.match(failed.all, error);
    });
  }

  /** A Job that is waited for, for ever. */
  const endless = {
    type: "batch/v1:Job",
    name: "endless",
    inputs: {
      spec: {
        template: {
          spec: {
            restartPolicy: "Never",
            terminationGracePeriodSeconds: 0,
            containers: [{ name: "c", image: "redis:8", command: ["sleep", "3600"] }],
          },
        },
      },
    },
  };
  const running = async () => {
    const exists = async () => (await names("jobs").catch(() => [""])).includes("job.batch/endless");
    assert.ok(await pollUntil(exists, { timeoutMs: 60_000, intervalMs: 100 }));
  };

  it("ends `up` at SIGINT, and knows what it had made", async () => {
    const waiting = up([...made("after"), endless]);
    await running();
    await sleep(1_000);
    waiting.kill("SIGINT");
    const { exitCode, all } = await waiting;
    assert.notEqual(exitCode, 0);
    assert.match(all, /Resource operation was cancelled for "endless"/);
    const state = await pulumi(["stack", "--show-urns"], []);
    assert.match(state.all, /Job::endless/);
    const removed = await up(made("after"));
    assert.equal(removed.exitCode, 0, removed.all);
  });

  it("says after a kill that what it was making is there already", async () => {
    const waiting = up([...made("after"), endless]);
    await running();
    waiting.kill("SIGKILL");
    await waiting;
    assert.match((await up([...made("after"), endless])).all, /locked by 1 lock/);
    const cancelled = await execa("pulumi", ["cancel", "--yes", ...how], options([]));
    assert.equal(cancelled.exitCode, 0, cancelled.all);
    const again = await up([...made("after"), endless]);
    assert.notEqual(again.exitCode, 0);
    assert.match(again.all, /jobs\.batch "endless" already exists/);
    await kubectl("delete", "job/endless");
  });

  if (official) return;
  it("refuses, by name, any other kind and any other cluster", async () => {
    const other = await pulumi(
      ["up", "--yes", "--skip-preview"],
      [{ type: "core/v1:ReplicationController", name: "x", inputs: {} }],
    );
    assert.match(other.all, /has no core\/v1:ReplicationController, only core\/v1:Namespace/);
    const config = join(dir, "elsewhere");
    const elsewhere = { cluster: { server: "https://192.0.2.77:6443" }, name: "job-wq-2" };
    const context = { context: { cluster: "job-wq-2", user: "u" }, name: "c" };
    const user = { name: "u", user: { "client-certificate-data": "eA==", "client-key-data": "eA==" } };
    writeFileSync(
      config,
      JSON.stringify({ clusters: [elsewhere], contexts: [context], users: [user], "current-context": "c" }),
    );
    const before = env.KUBECONFIG!;
    env.KUBECONFIG = config;
    const refused = await pulumi(
      ["up", "--yes", "--skip-preview"],
      [...made("after"), { type: "core/v1:ConfigMap", name: "y", inputs: {} }],
    );
    env.KUBECONFIG = before;
    assert.match(refused.all, /serves only the local platform, and KUBECONFIG names 192\.0\.2\.77:6443/);
  });
});
