import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { followerOf, takeOver } from "../../../../cli/stack/runFollowers.ts";
import { listNotes, locate, writeNote } from "../../../../cli/stack/runFolder.ts";

const module = join(import.meta.dirname, "../../../../cli/stack/runFolder.ts");
const followers = join(import.meta.dirname, "../../../../cli/stack/runFollowers.ts");
const output = { command: [], items: [], places: [] };
const note = { name: "wq-1a2b3c", namespace: "n", items: 3, startedAt: 1, command: "true", output };

describe("the folder of runs", () => {
  let home: string;
  const earlier = process.env.WQ_RUN_HOME;
  beforeEach(() => (home = process.env.WQ_RUN_HOME = mkdtempSync(join(tmpdir(), "wq-runs-"))));
  afterEach(() => {
    if (earlier === undefined) delete process.env.WQ_RUN_HOME;
    else process.env.WQ_RUN_HOME = earlier;
    rmSync(home, { recursive: true });
  });
  const mode = (path: string) => (statSync(join(home, path)).mode & 0o777).toString(8);

  it("has one passphrase, made once, which only the user may read, even if two runs make it", async () => {
    const program = `const { locate } = await import(${JSON.stringify(module)});
      console.log(locate("a" + process.pid).env.PULUMI_CONFIG_PASSPHRASE);`;
    const ask = () => promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
    const said = new Set((await Promise.all([ask(), ask(), ask(), ask()])).map(({ stdout }) => stdout.trim()));
    assert.deepEqual([...said], [readFileSync(join(home, "passphrase"), "utf8")]);
    assert.match([...said][0]!, /^[0-9a-f]{48}$/);
    assert.equal(locate("later").env.PULUMI_CONFIG_PASSPHRASE, [...said][0]);
    assert.deepEqual([mode("passphrase"), mode("stacks"), mode("runs")], ["600", "700", "700"]);
    assert.deepEqual(readdirSync(home).sort(), ["passphrase", "runs", "stacks"]);
  });

  it("has no half note of a run that was killed while it wrote its note", () => {
    writeNote(note);
    const folder = join(home, "runs", note.name);
    writeFileSync(join(folder, "run.json.1"), '{"name": "wq');
    assert.deepEqual(readdirSync(folder).sort(), ["run.json", "run.json.1"]);
    assert.equal(listNotes().length, 1);
  });

  it("names the way out if the folder cannot be made", () => {
    process.env.WQ_RUN_HOME = "/dev/null/runs";
    const message = /^cannot keep runs: ENOTDIR: .*; WQ_RUN_HOME names another folder$/;
    assert.throws(() => locate("a"), { name: "UserError", message });
    assert.throws(() => writeNote(note), { name: "UserError", message });
  });

  it("gives a run to one command at a time", () => {
    writeNote(note);
    takeOver(note.name);
    assert.throws(() => takeOver(note.name), {
      name: "UserError",
      message: `wq-1a2b3c is followed by process ${process.pid}: press Ctrl-C there, or wait for its end`,
    });
    assert.equal(followerOf(note.name), process.pid);
    const ended = JSON.stringify({ pid: process.pid, start: "an earlier process" });
    writeFileSync(join(home, "runs", note.name, "follower-1"), ended);
    assert.equal(followerOf(note.name), undefined);
    assert.deepEqual(takeOver(note.name), note);
    assert.throws(() => takeOver(note.name), /is followed by process/);
  });

  it("gives a run to one of several commands that come at the same moment", async () => {
    writeNote(note);
    writeFileSync(join(home, "runs", note.name, "follower-1"), JSON.stringify({ pid: process.pid, start: "earlier" }));
    const go = join(home, "go");
    const program = `const { takeOver } = await import(${JSON.stringify(followers)});
      const { existsSync } = await import("node:fs");
      console.log("ready");
      while (!existsSync(${JSON.stringify(go)}));
      try { takeOver("${note.name}"); console.log("mine"); } catch ({ name, message }) { console.log(name, message); }
      process.stdin.resume();`; // stays alive until all commands have tried
    const all = Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["pipe", "pipe", 2] });
      const lines: string[] = [];
      const seen = createInterface(child.stdout!).on("line", (line) => lines.push(line));
      return { lines, seen, ready: once(seen, "line"), pid: child.pid, child, ended: once(child, "close") };
    });
    await Promise.all(all.map(({ ready }) => ready));
    const tried = all.map(({ seen }) => once(seen, "line"));
    writeFileSync(go, "");
    await Promise.all(tried);
    for (const { child } of all) child.stdin!.end();
    await Promise.all(all.map(({ ended }) => ended));
    const [winner, ...others] = all.filter(({ lines }) => lines.at(-1) === "mine");
    assert.deepEqual(others, []);
    const busy = `UserError wq-1a2b3c is followed by process ${winner!.pid}: press Ctrl-C there, or wait for its end`;
    for (const { lines } of all) if (lines !== winner!.lines) assert.equal(lines.at(-1), busy);
  });
});
