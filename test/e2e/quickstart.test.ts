// Runs first: it installs all dependencies anew.
// Full run only: it does what a user does once.
// The lines of README's quick start, as they stand there, in a clone of the checkout.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { parse, stringify } from "yaml";
import { root } from "../support/checkout.ts";
import { environment, onPlatform, say } from "../support/platform.ts";

interface Row {
  item: string;
  outcome: string;
  result: unknown;
  start: string;
}

interface Kubeconfig {
  contexts: { context: { namespace?: string } }[];
}

describe("the quick start of the README", () => {
  const namespace = `quickstart-${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), "job-wq-2-quickstart-"));
  const checkout = join(folder, "job-wq-2");
  const kubeconfig = join(folder, "kubeconfig");
  const [, lines] = /```sh\n(npm ci\n[\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"))!;

  const rows = (file: string) =>
    readFileSync(join(checkout, file), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Row);

  /** Output of the lines in a shell. The user answers yes; the context of their kubeconfig has a namespace. */
  async function shell(script: string) {
    const { PATH, PULUMI_HOME, DOCKER_HOST } = environment();
    const home = join(folder, "home");
    mkdirSync(home, { recursive: true });
    const env = {
      // With the Node.js of this test, and without Docker.
      PATH: [dirname(process.execPath), PATH ?? process.env.PATH].join(":"),
      PULUMI_HOME,
      DOCKER_HOST: DOCKER_HOST && "unix:///nowhere",
      HOME: home,
      npm_config_cache: join(homedir(), ".npm"),
      KUBECONFIG: kubeconfig,
      PULUMI_SKIP_CONFIRMATIONS: "true",
      PULUMI_BACKEND_URL: undefined,
      PULUMI_CONFIG_PASSPHRASE: undefined,
      PULUMI_STACK: undefined,
    };
    const options = { cwd: checkout, env, all: true, reject: false, stdin: "ignore" } as const;
    const run = await execa("bash", ["-euxo", "pipefail", "-c", script], options);
    assert.equal(run.exitCode, 0, run.all);
    return run.all;
  }

  onPlatform(async () => {
    await execa("git", ["clone", "--quiet", root, checkout]);
    await say("kubectl", ["create", "namespace", namespace]);
    const { stdout } = await execa("kubectl", ["config", "view", "--raw", "--minify", "--flatten"], {
      env: environment(),
    });
    const config = parse(stdout) as Kubeconfig;
    for (const { context } of config.contexts) context.namespace = namespace;
    writeFileSync(kubeconfig, stringify(config));
  });
  after(async () => {
    await say("kubectl", ["delete", "namespace", namespace, "--wait=false"]);
    rmSync(folder, { recursive: true, force: true });
  });

  it("works line by line, and leaves nothing in the cluster", async function () {
    this.timeout(900_000);
    const look = "npx --no wq results > second.ndjson\n";
    const text = await shell(lines!.replace(/^pulumi destroy\b/m, `${look}$&`));
    assert.match(text, /\{"square":49\}/); // `wq try 7`
    const [first, second] = [rows("results.ndjson"), rows("second.ndjson")];
    for (const results of [first, second]) {
      assert.equal(results.length, 20);
      for (const { item, outcome, result } of results) {
        assert.equal(outcome, "done");
        assert.deepEqual(result, { square: Number(item) ** 2 });
      }
    }
    const times = (results: Row[]) => results.map(({ start }) => Date.parse(start));
    assert.ok(Math.min(...times(second)) > Math.max(...times(first)), "`run 2` ran everything again");
    const { text: left } = await say("kubectl", ["-n", namespace, "get", "pods,jobs,services,secrets", "-o", "name"]);
    assert.doesNotMatch(left, /redis|job-wq-2/);
  });
});
