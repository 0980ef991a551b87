// Runs first: a language host is built for it.
// Full run only: that takes minutes.
// The component of plugin/ in a program in another language, with the packed package.
import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { provide } from "../../local/host/platformParts.ts";
import { pack, root } from "../support/checkout.ts";
import { environment, onPlatform, say } from "../support/platform.ts";

describe("the plugin for other languages", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-plugin-"));
  const plugin = join(dir, "plugin");
  const cwd = join(dir, "program");
  let env: Record<string, string>;

  onPlatform(async () => {
    const host = await provide("pulumi-yaml");
    const tarball = await pack(dir);
    cpSync(join(root, "plugin"), plugin, { recursive: true });
    await execa("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", tarball], { cwd: plugin });
    cpSync(join(root, "examples/yaml"), cwd, { recursive: true });
    mkdirSync(join(dir, "backend"));
    const { PATH } = environment();
    env = {
      PATH: [host.dir, PATH ?? process.env.PATH].join(delimiter),
      PULUMI_BACKEND_URL: `file://${dir}/backend`,
      PULUMI_STACK: "dev",
    };
    const program = parse(readFileSync(join(cwd, "Pulumi.yaml"), "utf8")) as object;
    const plugins = { providers: [{ name: "job-wq-2", path: plugin }] };
    writeFileSync(join(cwd, "Pulumi.yaml"), stringify({ ...program, plugins }));
    await pulumi("stack", "init", "dev");
  });
  after(async () => {
    await say("pulumi", ["destroy", "--yes", "--skip-preview", "--non-interactive"], { cwd, env });
    rmSync(dir, { recursive: true });
  });

  const pulumi = async (...args: string[]) => {
    const { ok, text } = await say("pulumi", [...args, "--non-interactive"], { cwd, env });
    assert.ok(ok, text);
    return text;
  };

  it("has a schema with each argument", async () => {
    const schema = JSON.parse(await pulumi("package", "get-schema", join(plugin, "pulumi-resource-job-wq-2"))) as {
      resources: Record<string, { inputProperties: Record<string, object>; requiredInputs: string[] }>;
    };
    const { inputProperties, requiredInputs } = schema.resources["job-wq-2:index:WorkQueue"]!;
    assert.deepEqual(requiredInputs, ["command"]);
    for (const property of Object.values(inputProperties)) assert.ok("description" in property);
  });

  it("runs nine fruits up and down in a YAML program", async () => {
    await pulumi("preview");
    await pulumi("up", "--yes", "--skip-preview");
    const outputs = JSON.parse(await pulumi("stack", "output", "--json")) as object;
    assert.deepEqual(outputs, { counts: { total: 9, done: 9, failed: 0 }, finish: "9" });
    await pulumi("preview", "--expect-no-changes");
    await pulumi("destroy", "--yes", "--skip-preview");
  });

  it("waits on the cluster of a provider that the program makes", async () => {
    const program = parse(readFileSync(join(cwd, "Pulumi.yaml"), "utf8")) as {
      resources: Record<string, { type: string; properties?: object; options?: object }>;
    };
    const { work, fruits } = program.resources;
    const kubeconfig = { "fn::secret": readFileSync(environment().KUBECONFIG!, "utf8") };
    const options = { providers: ["${cluster}"] };
    const resources = { limits: { memory: "256Mi" }, requests: { memory: "64Mi" } };
    program.resources = {
      cluster: { type: "pulumi:providers:kubernetes", properties: { kubeconfig } },
      work: { ...work!, options: { provider: "${cluster}" } },
      fruits: { ...fruits!, properties: { ...fruits!.properties, resources }, options },
    };
    writeFileSync(join(cwd, "Pulumi.yaml"), stringify(program));
    env.KUBECONFIG = "/nowhere";
    await pulumi("up", "--yes");
    assert.equal(await pulumi("stack", "output", "finish"), "9");
    await pulumi("destroy", "--yes", "--skip-preview");
  });
});
