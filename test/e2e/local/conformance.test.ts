// The table of local/plugins/conformance.ts, run with real resources.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { errors, rows } from "../../../local/plugins/conformance.ts";
import { pluginVersions } from "../../../local/plugins/versions.ts";
import { platformUp } from "../../support/platform.ts";

const official = process.env.PLUGINS === "official";
const namespace = `conformance-${process.pid}`;

/** Makes what RESOURCES lists, each under its literal name. */
const program = `
import * as pulumi from "@pulumi/pulumi";
const { namespace, resources } = JSON.parse(process.env.RESOURCES);
for (const { type, name, inputs } of resources) {
  const [api, kind] = type.split(":");
  const metadata = { ...inputs.metadata, name, namespace };
  const group = api.replace(/^core\\//, "");
  const opts = { version: "${pluginVersions.kubernetes}" };
  new pulumi.CustomResource("kubernetes:" + type, name, { apiVersion: group, kind, ...inputs, metadata }, opts);
}
`;

describe(`the kubernetes plugin (${official ? "official" : "ours"}) conforms`, function () {
  this.timeout(10 * 60_000);
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-conformance-"));
  let env: Record<string, string>;
  type Resource = { type: string; name: string; inputs: Record<string, unknown> };
  const pulumi = (args: string[], resources: Resource[]) =>
    execa("pulumi", [...args, "--stack", "t", "--non-interactive"], {
      cwd: dir,
      env: { ...env, RESOURCES: JSON.stringify({ namespace, resources }) },
      all: true,
      reject: false,
    });
  const made = (state: "before" | "after") =>
    rows.map(({ type, name, ...row }) => ({ type, name, inputs: row[state] }));

  before(async () => {
    env = { ...(await platformUp()), PULUMI_BACKEND_URL: `file://${dir}/backend` };
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
    const up = await pulumi(["up", "--yes", "--skip-preview"], made("before"));
    assert.equal(up.exitCode, 0, up.all);
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
    assert.ok(met[0]!.includes("Complete"), `${met[0]}`);
    assert.ok(met[1]!.includes("Ready"), `${met[1]}`);
    assert.ok(met[2]!.includes("Ready"), `${met[2]}`);
  });

  it("makes of each change what its row says", async () => {
    const preview = await pulumi(["preview", "--json", "--show-sames"], made("after"));
    const { steps } = JSON.parse(preview.stdout) as { steps: { op: string; urn: string }[] };
    const seen = Object.fromEntries(rows.map(({ name }) => [name, "none"]));
    for (const { op, urn } of steps) {
      const name = urn.split("::").at(-1)!;
      if (name in seen && (op === "same" || op === "update" || op === "replace")) seen[name] = op;
    }
    assert.deepEqual(seen, Object.fromEntries(rows.map(({ name, expect }) => [name, expect])));
    const up = await pulumi(["up", "--yes", "--skip-preview"], made("after"));
    assert.equal(up.exitCode, 0, up.all);
  });

  it("sees no drift where there is none", async () => {
    // The official one finds a Job that runs, and that nobody waits for, in poor health when it is asked to refresh it.
    const over = made("after").filter(({ name }) => name !== "job-not-waited-for");
    await pulumi(["up", "--yes", "--skip-preview"], over);
    const refreshed = await pulumi(["refresh", "--yes", "--skip-preview", "--expect-no-changes"], over);
    assert.equal(refreshed.exitCode, 0, refreshed.all);
  });

  for (const { type, name, inputs, error, source } of errors) {
    it(`says of ${name} what the official one says (${source})`, async () => {
      const up = await pulumi(["up", "--yes", "--skip-preview"], [...made("after"), { type, name, inputs }]);
      assert.notEqual(up.exitCode, 0);
      assert.match(up.all, error);
    });
  }

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
