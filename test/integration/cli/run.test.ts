// `wq run --attach` on a real Redis; the state of its stack comes from a `pulumi` that knows nothing else.
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
import { delimiter, join } from "node:path";
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
  const write = (more: object) =>
    writeFileSync(note(), JSON.stringify({ name, namespace: "n", items: 3, startedAt: 1, command: "true", ...more }));
  const begun = (more: object = {}) => write({ follower: { pid: process.pid, start: "an earlier process" }, ...more });

  /** A run that is over, whose follower has ended. */
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "wq-run-"));
    mkdirSync(join(folder, "runs", name), { recursive: true });
    begun();
    const outputs = { name, namespace: "n", queue: "job2", redis: { url: t.url, namespace: "n" } };
    const type = "job-wq-2:index:Batch";
    const batch = { type, urn: `urn:pulumi:${name}::wq-run::${type}::${name}`, outputs };
    const state = JSON.stringify({ deployment: { resources: [batch] } });
    writeFileSync(join(folder, "pulumi"), `#!/bin/sh\necho '${state}'\n`, { mode: 0o755 });
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
    let err = "";
    child.stderr!.on("data", (data: Buffer) => (err += data.toString()));
    if (stdout === "gone") child.stdout!.destroy();
    else child.stdout?.resume();
    const [code] = (await once(child, "close")) as [number];
    return { code, err: err.replaceAll("npx --no wq", "wq") };
  }
  const left = `Left running. To go on: \`wq run --attach ${name}\`.\n`;
  const full = (where: string) =>
    `wq run: cannot write ${where}: ENOSPC: no space left on device, write; nothing was removed; to go on: \`wq run --attach ${name}\`\n`;

  for (const ordered of [[], ["--ordered"]])
    it(`leaves the run where the reader of its rows went away${ordered.length > 0 ? ", also at the end" : ""}`, async () => {
      assert.deepEqual(await attach(ordered, "gone"), { code: 2, err: left });
      assert.ok(existsSync(note()));
    });

  it("leaves the run where a row cannot be written, and says where", async () => {
    assert.deepEqual(await attach(["--joblog", "/dev/full"]), { code: 2, err: full("/dev/full") });
    assert.deepEqual(await attach([], openSync("/dev/full", "w")), { code: 2, err: full("standard output") });
    assert.ok(existsSync(note()));
  });

  it("goes on with the log and the folder that the run had, with the places of all items", async () => {
    const joblog = join(folder, "log");
    const results = join(folder, "results");
    begun({ output: { command: ["echo", "{}"], places: [7, 8, 12], joblog, results } });
    await attach();
    const lines = readFileSync(joblog, "utf8").trimEnd().split("\n").slice(1);
    const places = lines.map((line) => [line.split("\t")[0], line.split("\t").at(-1)]);
    assert.deepEqual(places.sort(), [["12", "echo c"], ["7", "echo a"], ["8", "echo b"]]); // prettier-ignore
    assert.deepEqual(readdirSync(results).sort(), ["12.json", "7.json", "8.json"]);
  });

  it("notes no run where Pulumi is not there and cannot be installed", async () => {
    const kubeconfig = join(folder, "kubeconfig");
    const context = { name: "a", context: { cluster: "a", user: "a" } };
    const cluster = { name: "a", cluster: { server: "http://127.0.0.1:1" } };
    const user = { name: "a", user: {} };
    const config = { contexts: [context], clusters: [cluster], users: [user], "current-context": "a" };
    writeFileSync(kubeconfig, JSON.stringify({ apiVersion: "v1", kind: "Config", ...config }));
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

  it("asks the cluster that the run was made in, whatever KUBECONFIG is now", async () => {
    begun({ kubeconfig: "/its/own:/another" });
    writeFileSync(join(folder, "pulumi"), `#!/bin/sh\necho "error: KUBECONFIG is $KUBECONFIG" >&2\nexit 1\n`);
    const { code, err } = await attach();
    assert.equal(code, 3);
    assert.match(err, /cannot read the state of .*: KUBECONFIG is \/its\/own:\/another$/m);
  });

  it("touches no run that another process follows", async () => {
    write({ follower: { pid: process.pid, start: startTime(process.pid) } });
    const err = `wq run: ${name} is followed by process ${process.pid}: press Ctrl-C there, or wait for its end\n`;
    assert.deepEqual(await attach(), { code: 3, err });
    assert.ok(existsSync(note()));
  });

  it("ends other verbs at a full disk with one line, and at a reader that went away with none", async () => {
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
