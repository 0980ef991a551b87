// `npm start -- --here`: on a cluster of the user's own, with their Pulumi, and without Docker, a registry or a login.
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { environment } from "../../../local/host/environment.ts";
import { checkout, onPlatform } from "../../support/stack.ts";

interface Kubeconfig {
  clusters: { name: string; cluster: { server: string } }[];
  contexts: { name: string; context: { cluster: string; user: string } }[];
  "current-context"?: string;
}

describe("npm start -- --here", () => {
  const { project, remove } = checkout();
  const kubeconfig = join(project, "kubeconfig");
  /** What a user has: a kubeconfig, and Pulumi with its plugins. */
  const theirs = () => {
    const { PATH, PULUMI_HOME } = environment();
    const env = { PATH, PULUMI_HOME, KUBECONFIG: kubeconfig, DOCKER_HOST: "unix:///nowhere" };
    const { HOME, ...others } = process.env;
    const rest = Object.keys(others).filter((name) => /^(PULUMI_|KUBE)/.test(name) && !(name in env));
    return { ...env, HOME, ...Object.fromEntries(rest.map((name) => [name, undefined])) };
  };
  async function run(program: string, args: string[], env: Record<string, string | undefined> = {}) {
    const all = { cwd: project, env: { ...theirs(), ...env }, reject: false, all: true } as const;
    const { exitCode, all: text } = await execa("node", ["local/launch.mjs", program, ...args], all);
    return { code: exitCode, text };
  }
  const start = (...args: string[]) => run("local/dev/start.ts", ["--here", ...args]);
  const editKubeconfig = (edit: (config: Kubeconfig) => void) => {
    const config = parse(readFileSync(environment().KUBECONFIG!, "utf8")) as Kubeconfig;
    edit(config);
    writeFileSync(kubeconfig, stringify(config));
  };

  onPlatform(async () => {
    editKubeconfig(() => {});
  });
  after(async () => {
    editKubeconfig(() => {});
    await run("local/dev/down.ts", ["--here"]);
    remove();
  });

  it("runs the fruits there, in a namespace of its own, and tells where", async () => {
    const { code, text } = await start();
    assert.equal(code, 0, text);
    assert.match(text, /^The cluster of context \S+ \(https:\S+\), namespace job-wq-2-here$/m);
    assert.match(text, /^9 of 9 items done, 0 failed$/m);
    assert.match(text, /kubectl -n job-wq-2-here describe jobs\/job-wq-2/);
    assert.doesNotMatch(text, /docker/i);
  });

  it("leaves the checkout's files alone, and lets `wq` find it", async () => {
    assert.ok(!existsSync(join(project, "Pulumi.here.yaml")));
    const status = await run("cli/main.ts", ["status", "--json"]);
    assert.deepEqual([status.code, (JSON.parse(status.text) as { done: number }).done], [0, 9], status.text);
  });

  it("changes nothing the second time", async () => {
    const { code, text } = await start();
    assert.equal(code, 0, text);
    assert.match(text, /^Nothing had changed/m);
  });

  it("refuses to go on elsewhere, in one line", async () => {
    editKubeconfig((config) => {
      config.clusters[0]!.cluster.server = config.clusters[0]!.cluster.server.replace("127.0.0.1", "localhost");
    });
    const { code, text } = await start();
    assert.equal(code, 1);
    assert.match(text, /^start: it runs on the cluster of context \S+, and the current one is .*down -- --here`$/);
    editKubeconfig(() => {});
  });

  it("says in one line what is missing", async () => {
    editKubeconfig((config) => {
      config.clusters[0]!.cluster.server = "https://127.0.0.1:1";
    });
    assert.match((await start()).text, /^start: the cluster of context \S+ \(https:\/\/127.0.0.1:1\) cannot be used: /);
    editKubeconfig((config) => {
      delete config["current-context"];
    });
    assert.match((await start()).text, /^start: the kubeconfig has no current context; set KUBECONFIG$/);
    editKubeconfig(() => {});
    const { text } = await run("local/dev/start.ts", ["--here"], { PATH: "/usr/bin:/bin" });
    assert.match(text, /^start: pulumi is not on PATH; install it/);
    assert.match((await start("--there")).text, /^start: usage: npm start/);
  });

  it("is taken away again, and `wq` still finds what `npm start` runs", async () => {
    const note = join(project, ".state", "stack.json");
    writeFileSync(note, JSON.stringify({ stack: "dev", env: {} }));
    const { code, text } = await run("local/dev/down.ts", ["--here"]);
    assert.equal(code, 0, text);
    assert.ok(!existsSync(join(project, ".state", "here")));
    assert.ok(existsSync(note));
    assert.match((await run("local/dev/down.ts", ["--here"])).text, /^down: nothing runs here/);
  });
});
