// `wq run --attach` on a real Redis; a `pulumi` that knows nothing else prints the state of its stack.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { LastingQueue } from "../../../cli/follow/lastingQueue.ts";
import { stackOfRun } from "../../../cli/stack/runFolder.ts";
import { openQueue, type OpenQueue } from "../../../cli/stack/openQueue.ts";
import { startTime } from "../../../kube/startTime.ts";
import { Consumer, Seeder } from "../../../queue/index.ts";
import { quick } from "../../support/consuming.ts";
import { wqScript } from "../../support/fruits.ts";
import { withQueue } from "../../support/withQueue.ts";

describe("wq run that goes on", () => {
  const t = withQueue({ args: ["--appendonly", "yes"] });
  const name = "wq-1a2b3c";
  let folder: string;
  const note = () => join(folder, "runs", name, "run.json");
  const followed = (start: string | undefined) =>
    writeFileSync(join(folder, "runs", name, "follower-1"), JSON.stringify({ pid: process.pid, start }));
  /** Sets the answer of that `pulumi` to a verb. */
  const pulumi = (...answers: string[]) => {
    const script = `#!/bin/sh\ncase $1 in version) echo v3.270.0;; ${answers.join(";; ")};; esac\n`;
    writeFileSync(join(folder, "pulumi"), script, { mode: 0o755 });
  };
  const begun = (more: object = {}) => {
    const output = { command: [], items: ["a", "b", "c"], places: [1, 2, 3] };
    const run = { name, namespace: "n", items: 3, startedAt: 1, command: "true", output, ...more };
    writeFileSync(note(), JSON.stringify(run));
    followed("an earlier process");
  };

  /** The state of its stack. */
  const stateWith = (more: object = {}) => {
    const outputs = { name, namespace: "n", queue: "job2", redis: { url: t.url, namespace: "n" }, ...more };
    const type = "job-wq-2:index:Batch";
    const batch = { type, urn: `urn:pulumi:${name}::wq-run::${type}::${name}`, outputs };
    return JSON.stringify({ deployment: { resources: [batch] } });
  };

  /** A run that is over, whose follower has ended. */
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "wq-run-"));
    mkdirSync(join(folder, "runs", name), { recursive: true });
    begun();
    pulumi(`*) echo '${stateWith()}'`);
    const seed = { owner: "a/b", run: "1", seedId: "1" };
    await new Seeder({ url: t.url, queue: "job2" }).seed(["a", "b", "c"], seed);
    await new Consumer({ ...quick(t.url), handler: (item) => Promise.resolve(item) }).run();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function attach(args: string[] = [], stdout: "pipe" | "gone" | number = "pipe") {
    const PATH = [folder, process.env.PATH].join(delimiter);
    const env = { ...process.env, PATH, WQ_RUN_HOME: folder };
    const output = stdout === "gone" ? "pipe" : stdout;
    const child = spawn(process.execPath, [wqScript, "run", "--attach", name, ...args], {
      env,
      stdio: ["ignore", output, "pipe"],
    });
    let [out, err] = ["", ""];
    child.stderr!.on("data", (data: Buffer) => (err += data.toString()));
    if (stdout === "gone") child.stdout!.destroy();
    else child.stdout?.on("data", (data: Buffer) => (out += data.toString()));
    const [code] = (await once(child, "close")) as [number];
    return { code, err: err.replaceAll("npx --no wq", "wq"), out };
  }
  const left = `Left running. To go on: \`wq run --attach ${name}\`.\n`;
  const full = (where: string) =>
    `wq run: cannot write ${where}: ENOSPC: no space left on device, write; nothing was removed; to go on: \`wq run --attach ${name}\`\n`;

  for (const ordered of [[], ["--ordered"]])
    it(`leaves the run if the reader of its rows went away${ordered.length > 0 ? ", also at the end" : ""}`, async () => {
      assert.deepEqual(await attach(ordered, "gone"), { code: 2, err: left, out: "" });
      assert.ok(existsSync(note()));
    });

  it("leaves the run if a row cannot be written, and names the file", async () => {
    assert.deepEqual(await attach(["--joblog", "/dev/full"]), { code: 2, err: full("/dev/full"), out: "" });
    const toDisk = await attach([], openSync("/dev/full", "w"));
    assert.deepEqual(toDisk, { code: 2, err: full("standard output"), out: "" });
    assert.ok(existsSync(note()));
  });

  it("goes on with the job log and the folder of the run, by places of items, in whatever order they ran", async () => {
    const joblog = join(folder, "log");
    const results = join(folder, "results");
    const items = ["c", "a", "b"];
    begun({ output: { command: ["echo", "{}"], items, places: [7, 8, 12], joblog, results } });
    const { out } = await attach(["--ordered"]);
    const lines = readFileSync(joblog, "utf8").trimEnd().split("\n").slice(1);
    const places = lines.map((line) => [line.split("\t")[0], line.split("\t").at(-1)]);
    assert.deepEqual(places.sort(), [["12", "echo b"], ["7", "echo c"], ["8", "echo a"]]); // prettier-ignore
    assert.deepEqual(readdirSync(results).sort(), ["12.json", "7.json", "8.json"]);
    const itemOf = (text: string) => (JSON.parse(text) as { item: string }).item;
    assert.equal(itemOf(readFileSync(join(results, "8.json"), "utf8")), "a");
    assert.deepEqual(out.trimEnd().split("\n").map(itemOf), items);
  });

  function writeKubeconfig(): string {
    const file = join(folder, "kubeconfig");
    const context = { name: "a", context: { cluster: "a", user: "a" } };
    const cluster = { name: "a", cluster: { server: "http://127.0.0.1:1" } };
    const user = { name: "a", user: {} };
    const config = { contexts: [context], clusters: [cluster], users: [user], "current-context": "a" };
    writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Config", ...config }));
    return file;
  }

  it("says both why it failed and why it could not be removed, and where the item is", async () => {
    const no = (why: string) => `echo "error: ${why}" >&2; exit 255`;
    pulumi(`up) ${no("you may not make it")}`, `destroy) ${no("you may not delete it")}`, "*) echo '{}'");
    writeKubeconfig();
    const { PATH } = process.env;
    const env = { ...process.env, PATH: [folder, PATH].join(delimiter), WQ_RUN_HOME: folder, KUBECONFIG: "kubeconfig" };
    const child = spawn(process.execPath, [wqScript, "run", "--", "true", ":::", "a"], { env, cwd: folder });
    let err = "";
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    assert.deepEqual(await once(child, "close"), [3, null]);
    const [run] = /^wq-\w+/.exec(err)!;
    assert.deepEqual(err.replaceAll("npx --no wq", "wq").trimEnd().split("\n"), [
      `${run}: 1 item in namespace default`,
      "No argument has {}: the item is on standard input, and in $ITEM.",
      `wq run: you may not make it; not everything could be removed: you may not delete it; try again: \`wq run --attach ${run}\``,
    ]);
    const { kubeconfig } = JSON.parse(readFileSync(join(folder, "runs", run, "run.json"), "utf8")) as {
      kubeconfig: string;
    };
    assert.equal(kubeconfig, join(folder, "kubeconfig"));
  });

  it("does not say that a run goes on if it was left before it began", async () => {
    const up = join(folder, "up");
    pulumi(`up) touch ${up}; exec sleep 5`, "*) echo '{}'");
    const env = { ...process.env, PATH: [folder, process.env.PATH].join(delimiter), WQ_RUN_HOME: folder };
    const args = [wqScript, "run", "--", "true", "{}", ":::", "a"];
    const child = spawn(process.execPath, args, { env: { ...env, KUBECONFIG: writeKubeconfig() }, cwd: folder });
    let err = "";
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    await t.until(() => existsSync(up));
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "close"), [2, null]);
    const [run] = /^wq-\w+/.exec(err)!;
    const line = `It had not begun, and does not go on. To remove what is there: \`wq run --attach ${run}\`.`;
    assert.equal(err.replaceAll("npx --no wq", "wq").trimEnd().split("\n").at(-1), line);
  });

  it("leaves nothing in a Redis of the user's own", async () => {
    assert.notDeepEqual(await t.redis.keys("*"), []);
    const { code, err } = await attach();
    assert.deepEqual([code, err], [0, "3 of 3 items done, 0 failed\n"]);
    assert.deepEqual(await t.redis.keys("*"), []);
    assert.ok(!existsSync(note()));
  });

  it("notes no run if Pulumi is missing and cannot be installed", async () => {
    const kubeconfig = writeKubeconfig();
    const offline = join(folder, "offline.mjs");
    writeFileSync(offline, 'globalThis.fetch = () => Promise.reject(new Error("offline"));');
    const home = join(folder, "home");
    const env = { WQ_RUN_HOME: home, KUBECONFIG: kubeconfig, PATH: "/nowhere", NODE_OPTIONS: `--import=${offline}` };
    const child = spawn(process.execPath, [wqScript, "run", "--", "true", ":::", "a"], { env, stdio: "pipe" });
    let err = "";
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    assert.deepEqual(await once(child, "close"), [3, null]);
    const [first, second, ...more] = err.trimEnd().split("\n");
    assert.equal(first, `There is no pulumi on PATH: installing it into ${join(home, "pulumi")}, once`);
    assert.match(
      second!,
      /^wq run: cannot install Pulumi: .*offline; see https:\/\/www\.pulumi\.com\/docs\/install\/$/,
    );
    assert.deepEqual(more, []);
    assert.ok(!existsSync(join(home, "runs")));
  });

  it("asks the cluster in which the run was made, whatever KUBECONFIG is now", async () => {
    begun({ kubeconfig: "/its/own:/another" });
    pulumi('*) echo "error: KUBECONFIG is $KUBECONFIG" >&2; exit 1');
    const { code, err } = await attach();
    assert.equal(code, 3);
    assert.match(err, /cannot read the state of .*: KUBECONFIG is \/its\/own:\/another$/m);
  });

  /** Runs another verb, in a folder without a program. */
  const verb = async (args: string[], more: NodeJS.ProcessEnv = {}) => {
    const PATH = [folder, dirname(process.execPath), "/usr/bin", "/bin"].join(delimiter);
    const env = { PATH, HOME: folder, WQ_RUN_HOME: folder, ...more };
    const options = { env, extendEnv: false, cwd: folder, reject: false };
    const { stdout, stderr, exitCode } = await execa(process.execPath, [wqScript, ...args], options);
    return { out: stdout, err: stderr.replaceAll("npx --no wq", "wq"), code: exitCode };
  };

  it("can be read by its name from any folder, even while another process follows it", async () => {
    followed(startTime(process.pid));
    const { out, code } = await verb(["status", "--json", "--stack", name]);
    const { state, done } = JSON.parse(out) as { state: string; done: number };
    assert.deepEqual([state, done, code], ["finished", 3, 0]);
    assert.equal((await verb(["results", "--follow", "--stack", name])).out.split("\n").length, 3);
    assert.match((await verb(["logs", "-f", "b", "--stack", name])).out, /^== b \(2\): done after 1 attempt$/m);
    assert.match((await verb(["complete", "--", "status", "--stack", ""])).out, new RegExp(`^${name}`));
    const err =
      "wq status: there is no Pulumi program in this folder or above it: change to the folder of one, or give --redis URL";
    assert.deepEqual(await verb(["status", "--stack", "wq-000000"]), { out: "", err, code: 3 });
  });

  it("is read from the cluster in which it was made", async () => {
    begun({ kubeconfig: "/its/own" });
    pulumi('*) echo "error: KUBECONFIG is $KUBECONFIG" >&2; exit 1');
    const { err } = await verb(["status", "--stack", name], { KUBECONFIG: "/another" });
    assert.match(err, /^wq status: cannot read the state of .*: KUBECONFIG is \/its\/own$/);
  });

  it("starts no workers for retried items, and says what runs them", async () => {
    pulumi(`*) echo '${stateWith({ workerJob: name })}'`);
    const [queue, retry] = ["job2", { maxAttempts: 1, backoff: { min: 1, max: 1 } }];
    await new Seeder({ url: t.url, queue }).seed(["a", "d"], { owner: "a/b", run: "1", seedId: "2" });
    await new Consumer({ ...quick(t.url), retry, handler: () => Promise.reject(new Error("bad")) }).run();
    const err =
      "wq retry: the workers of this run have ended, and no others can be started: with `--joblog`, `wq run --resume-failed` runs what is not done";
    assert.deepEqual(await verb(["retry", "--stack", name]), { out: "", err, code: 3 });
    assert.equal((await t.admin.counts()).dead, 1);
  });

  it("ends the processes that read it when it is removed with its Redis", async () => {
    const { WQ_RUN_HOME } = process.env;
    process.env.WQ_RUN_HOME = folder;
    try {
      assert.equal(stackOfRun(name)?.stack, name);
      rmSync(join(folder, "runs", name), { recursive: true });
      const gone = { counts: () => Promise.reject(new Error("Redis is gone")), reasonOf: (error: Error) => error };
      const opened = [{ admin: gone, close: () => {} } as unknown as OpenQueue];
      const open = async () => opened.shift() ?? openQueue({ stack: name });
      const queue = await LastingQueue.open({}, () => {}, open);
      await assert.rejects(queue.counts(), { message: `the run ${name} is over, and was removed` });
    } finally {
      if (WQ_RUN_HOME === undefined) delete process.env.WQ_RUN_HOME;
      else process.env.WQ_RUN_HOME = WQ_RUN_HOME;
    }
  });

  it("touches no run that another process follows", async () => {
    followed(startTime(process.pid));
    const err = `wq run: ${name} is followed by process ${process.pid}: press Ctrl-C there, or wait for its end\n`;
    assert.deepEqual(await attach(), { code: 3, err, out: "" });
    assert.ok(existsSync(note()));
  });

  it("other verbs end with one line if the disk is full, and with none if their reader went away", async () => {
    const line = "wq: cannot write standard output: ENOSPC: no space left on device, write\n";
    for (const [stdout, code, said] of [
      [openSync("/dev/full", "w"), 3, line],
      ["pipe", 0, ""],
    ] as const) {
      const child = spawn(process.execPath, [wqScript, "status", "--json"], {
        env: { ...process.env, WQ_REDIS_URL: t.url },
        stdio: ["ignore", stdout, "pipe"],
      });
      let err = "";
      child.stderr!.on("data", (data: Buffer) => (err += data.toString()));
      child.stdout?.destroy();
      const [ended] = (await once(child, "close")) as [number];
      assert.deepEqual([ended, err], [code, said]);
    }
  });
});
