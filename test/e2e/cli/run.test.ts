// `wq run`: one line of a shell, on a cluster, and nothing left behind.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { ResultRow } from "../../../queue/index.ts";
import { wqScript } from "../../support/fruits.ts";
import { inTerminal } from "../../support/screen.ts";
import { environment, onPlatform, say } from "../../support/platform.ts";

describe("wq run", () => {
  const namespace = `run-${process.pid}`;
  const folder = mkdtempSync(join(tmpdir(), "wq-run-e2e-"));
  const home = join(folder, "home");
  onPlatform(() => say("kubectl", ["create", "namespace", namespace]));
  after(async () => {
    await say("kubectl", ["delete", "namespace", namespace, "--wait=false"]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts it, without a terminal. */
  function start(args: string[], { input = "", other = {}, detached = false } = {}) {
    const env = { ...process.env, ...environment(), WQ_RUN_HOME: home, ...other };
    const child = spawn(process.execPath, [wqScript, "run", ...args], { env, cwd: folder, stdio: "pipe", detached });
    const said = { out: "", err: "" };
    child.stdout.on("data", (data: Buffer) => (said.out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (said.err += data.toString()));
    child.stdin.on("error", () => {}).end(input);
    const ended = once(child, "close").then(([code]) => code as number | null);
    const rows = () =>
      said.out
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as ResultRow);
    return { child, said, ended, rows };
  }
  /** Runs another verb, in a folder without a program. */
  const verb = (args: string[], other = {}) =>
    execa(process.execPath, [wqScript, ...args], {
      env: { ...process.env, ...environment(), WQ_RUN_HOME: home, ...other },
      cwd: folder,
      reject: false,
    });
  const numbers = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join("");
  const names = async (args: string[]) => (await say("kubectl", ["-n", namespace, "get", ...args, "-o", "name"])).text;
  /** Objects of the namespace, without those of Kubernetes itself. */
  async function assertNothingLeft(): Promise<void> {
    const kinds = "pods,jobs,services,configmaps,secrets,networkpolicies,serviceaccounts,roles,rolebindings";
    let left = "";
    for (let i = 0; i < 60; i++, await sleep(1_000)) {
      left = (await names([kinds]))
        .split("\n")
        .filter((name) => !/^(configmap\/kube-root-ca.crt|serviceaccount\/default|)$/.test(name))
        .join(", ");
      if (left === "") return;
    }
    assert.fail(`left: ${left}`);
  }
  async function until(what: () => boolean, child: { ended: Promise<unknown>; said: { err: string } }): Promise<void> {
    let isOver = false;
    void child.ended.then(() => (isOver = true));
    while (!what()) {
      assert.ok(!isOver, child.said.err);
      await sleep(100);
    }
  }
  const script = 'case $1 in *7) echo "no sevens" >&2; exit 65;; esac; sleep 0.05; echo $1';

  it("works through 300 items on three pods, with failures, beside another run", async () => {
    const log = join(folder, "log");
    const results = join(folder, "results");
    const args = ["-j", "3", "-n", namespace, "--joblog", log, "--results", results, "--eta"];
    const one = start([...args, "--", "sh", "-c", script, "sh", "n{}"], { input: numbers(300) });
    writeFileSync(join(folder, "items"), "b\na\n");
    const two = start(["-j", "1", "-n", namespace, "--ordered", "--", "printf", "%s-%s", "{}", "{#}", "::::", "items"]);
    assert.equal(await two.ended, 0, two.said.err);
    assert.deepEqual(
      two.rows().map(({ result }) => result),
      ["b-1", "a-2"],
    );
    assert.match(two.said.err, /^2 of 2 items done, 0 failed$/m);
    assert.equal(await one.ended, 1, one.said.err);
    const rows = one.rows();
    assert.deepEqual([rows.length, new Set(rows.map(({ id }) => id)).size], [300, 300]);
    assert.equal(rows.filter(({ outcome }) => outcome === "failed").length, 30);
    assert.ok(rows.every(({ outcome, item, result }) => outcome === "failed" || result === `n${item}`));
    assert.ok(new Set(rows.map(({ pod }) => pod)).size > 1);
    assert.match(
      one.said.err,
      /^270 of 300 items done, 30 failed\n {2}30 items: sh exited with code 65: no sevens \(e\.g\. 7\)$/m,
    );
    assert.match(one.said.err, /^[\d,]+ of 300 items, /m);
    assert.equal(readFileSync(log, "utf8").split("\n").length, 302);
    assert.equal(readdirSync(results).length, 300);
    assert.equal(statSync(join(home, "passphrase")).mode & 0o777, 0o600);
    assert.ok(!existsSync(join(folder, ".job-wq-2")), "the user's folder has what the user put there");
    await assertNothingLeft();
    assert.equal(await start(["--list"]).ended, 0);

    const again = start(["-n", namespace, "--joblog", log, "--resume-failed", "--dry-run", "--", "echo", "{}"], {
      input: numbers(300),
    });
    assert.equal(await again.ended, 0);
    assert.equal(again.said.out.split("\n").length - 1, 30);
    assert.match(again.said.out, /^echo 7\necho 17\n/);
  });

  it("has options for files, variables, secrets, a patch, limits, a handler, an end at a number of failures", async () => {
    mkdirSync(join(folder, "data"));
    writeFileSync(join(folder, "data/words.txt"), "from a file");
    writeFileSync(join(folder, "pod.yaml"), "spec: {containers: [{name: c, env: [{name: PATCH, value: patched}]}]}");
    process.env.RUN_TOKEN = "s3cret";
    const say = '[ "$1" != slow ] || sleep 60; echo "$GREETING $RUN_TOKEN $PATCH $(cat words.txt) $1"';
    const options = "--files data --env GREETING=hi --secret-env RUN_TOKEN --pod pod.yaml --cpu 500m --memory 256Mi";
    const limits = "--timeout 2s --retries 2 --halt soon,fail=2";
    const args = ["-n", namespace, "-j", "2", ...options.split(" "), ...limits.split(" "), "--"];
    const one = start([...args, "sh", "-c", say, "sh", "{}", ":::", "a", "slow", "b"]);
    writeFileSync(
      join(folder, "work.ts"),
      'export default (item: string) => { if (item === "bad") throw new Error("no good"); return { item }; };',
    );
    const halt = ["--retries", "1", "--halt", "soon,fail=1", "--handler", "work.ts"];
    const two = start(["-n", namespace, "-j", "1", ...halt, ":::", "good", "bad", ...numbers(200).trim().split("\n")]);
    assert.equal(await one.ended, 1, one.said.err);
    const found = Object.fromEntries(
      one.rows().map((row) => [row.item, row.result ?? `${row.attempts} ${row.reason}`]),
    );
    assert.deepEqual(
      [found.slow, found.a, found.b],
      ["2 timed out after 2 s", "hi s3cret patched from a file a", "hi s3cret patched from a file b"],
      one.said.err,
    );
    assert.match(one.said.err, /^2 of 3 items done, 1 failed$/m);
    assert.equal(await two.ended, 1, two.said.err);
    assert.deepEqual(two.rows().find(({ item }) => item === "good")?.result, { item: "good" });
    assert.match(
      two.said.err,
      /^\d+ of 202 items done, 1 failed; aborted: 1 items? failed for good, more than maxFailures/m,
    );
    await assertNothingLeft();
  });

  it("is left at Ctrl-C or SIGKILL, and taken up by its name, from another context", async () => {
    const file = join(folder, "kubeconfig");
    const { text } = await say("kubectl", ["config", "view", "--raw", "-o", "json"]);
    const config = JSON.parse(text) as { clusters: object[]; contexts: object[]; "current-context": string };
    config.clusters.push({ name: "elsewhere", cluster: { server: "http://127.0.0.1:1" } });
    config.contexts.push({ name: "elsewhere", context: { cluster: "elsewhere", user: "" } });
    const use = (context: string) => writeFileSync(file, JSON.stringify({ ...config, "current-context": context }));
    const other = { KUBECONFIG: basename(file) }; // relative to the current folder
    const slow = ["-n", namespace, "-j", "2", "--", "sh", "-c", 'sleep 1; echo "$1"', "sh", "{}"];
    for (const signal of ["SIGINT", "SIGKILL"] as const) {
      use(config["current-context"]);
      const first = start(slow, { input: numbers(30), other });
      await until(() => first.rows().length > 2, first);
      const [run] = /^wq-\w+/m.exec(first.said.err)!;
      const look = await verb(["status", "--json", "--stack", run], { KUBECONFIG: "/none" });
      const { total, state } = JSON.parse(look.stdout) as { total: number; state: string };
      assert.deepEqual([total, state, look.exitCode], [30, "open", 2], look.stderr);
      assert.match((await verb(["scale", "3", "--stack", run])).stdout, /^From 2 to 3 pods/);
      first.child.kill(signal);
      assert.equal(await first.ended, signal === "SIGINT" ? 2 : null);
      const [name] = /^wq-\w+/m.exec(first.said.err)!;
      if (signal === "SIGINT")
        assert.match(first.said.err, new RegExp(`^Left running\\. To go on: \`.*wq run --attach ${name}\`\\.$`, "m"));
      const list = start(["--list"]);
      await list.ended;
      assert.match(list.said.out, new RegExp(`^${name}  30 items in ${namespace}, `));
      use("elsewhere");
      const second = start(["--attach", name], { other });
      assert.equal(await second.ended, 0, second.said.err);
      assert.equal(second.rows().length, 30);
      await assertNothingLeft();
    }
  });

  it("leaves nothing if it was killed with its Pulumi during the creation, as by a closed terminal", async () => {
    const first = start(["-n", namespace, "--", "true", "{}", ":::", "a"], { detached: true });
    let made = "";
    while (!made.includes("secret/wq-")) made = await names(["secrets"]);
    process.kill(-first.child.pid!, "SIGKILL");
    await first.ended;
    const second = start(["--attach", /^wq-\w+/.exec(first.said.err)![0]]);
    assert.equal(await second.ended, 3);
    assert.match(second.said.err, /was cut off while it was created or removed: /);
    await assertNothingLeft();
  });

  it("asks at Ctrl-C in a terminal, and removes nothing before the answer", async () => {
    const items = Array.from({ length: 300 }, (_, n) => String(n));
    const slow = ["run", "-n", namespace, "-j", "2", "--", "sleep", "1", ":::", ...items];
    const env = { ...process.env, ...environment(), WQ_RUN_HOME: home } as Record<string, string>;
    const begun = (args: string[]) => inTerminal([process.execPath, wqScript, ...args], env);
    const interrupted = async (args: string[], after: RegExp, screen = begun(args)) => {
      while (!after.test(screen.raw())) await sleep(100);
      screen.type("\x03");
      while (!/Leave it running/.test(screen.raw())) await sleep(100);
      return screen;
    };
    const greedy = ["run", "-n", namespace, "--gpu", "1", "--", "true", ":::", "a"];
    const waiting = begun(greedy);
    const screen = await interrupted(slow, /"item":"2"/);
    await sleep(3_000); // Pulumi got the signal, too, and has ended by now
    screen.type("l\r");
    assert.equal(await screen.ended, 2, screen.raw());
    assert.match(await names(["jobs"]), /wq-/);
    const [name] = /wq-\w+/.exec(screen.raw())!;

    const unreadable = start(["--attach", name], { other: { PATH: dirname(process.execPath) } });
    assert.equal(await unreadable.ended, 3);
    assert.match(unreadable.said.err, /pulumi is not on PATH/);
    const attached = await interrupted(["run", "--attach", name], /"item":"3"/);
    attached.type("s\r");
    assert.equal(await attached.ended, 1, attached.raw());
    // Warnings of `up` are printed here, too.
    await interrupted(greedy, /warning: .*Insufficient nvidia\.com\/gpu/, waiting);
    waiting.type("l\r");
    assert.equal(await waiting.ended, 2, waiting.raw());
    const again = ["run", "--attach", /wq-\w+/.exec(waiting.raw())![0]];
    const seen = await interrupted(again, /warning: .*Insufficient nvidia\.com\/gpu/);
    seen.type("s\r");
    assert.equal(await seen.ended, 1, seen.raw());
    await assertNothingLeft();
  });

  it("runs with a Pulumi of its own if there is none on PATH", async () => {
    const { PATH } = { ...process.env, ...environment() } as { PATH: string };
    const own = PATH.split(delimiter).find((folder) => existsSync(join(folder, "pulumi")))!;
    const bin = join(home, "pulumi", "bin");
    mkdirSync(bin, { recursive: true });
    for (const file of readdirSync(own).filter((name) => /pulumi|language/.test(name)))
      symlinkSync(join(own, file), join(bin, file));
    const node = dirname(process.execPath);
    const { ended, said, rows } = start(["-n", namespace, "--", "echo", "{}", ":::", "a", "b"], {
      other: { PATH: [node, "/usr/bin", "/bin"].join(delimiter) },
    });
    assert.equal(await ended, 0, said.err);
    assert.equal(rows().length, 2);
    await assertNothingLeft();
    rmSync(bin, { recursive: true });
  });

  it("says in one line why it cannot run, and leaves nothing", async () => {
    const nowhere = start(["-n", `${namespace}-no`, "--", "true", ":::", "a"]);
    assert.equal(await nowhere.ended, 3);
    const line = new RegExp(`there is no namespace ${namespace}-no: kubectl create namespace ${namespace}-no$`);
    assert.match(nowhere.said.err.trimEnd().split("\n").at(-1)!, line);
    const { ended, said } = start(["-n", namespace, "--image", "registry.example/no/such:1", "--", "true", ":::", "a"]);
    assert.equal(await ended, 3);
    assert.match(said.err.trimEnd().split("\n").at(-1)!, /^wq run: .*registry\.example\/no\/such:1/);
    await assertNothingLeft();
  });
});
