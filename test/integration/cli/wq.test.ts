import assert from "node:assert/strict";
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { verbs } from "../../../cli/verbs.ts";
import { wqScript } from "../../support/fruits.ts";
import { checkout } from "../../support/checkout.ts";

describe("the command wq", () => {
  const folder = mkdtempSync(join(tmpdir(), "job-wq-2-wq-"));
  after(() => rmSync(folder, { recursive: true }));

  /** Runs it with an environment of its own. */
  async function run(args: string[], { cwd = folder, env = {} }: { cwd?: string; env?: Record<string, string> } = {}) {
    const base = { PATH: dirname(process.execPath), HOME: folder, JOB_WQ_2_STATE: join(folder, "state") };
    const options = { cwd, env: { ...base, ...env }, extendEnv: false, reject: false };
    const { stdout, stderr, exitCode } = await execa(process.execPath, [wqScript, ...args], options);
    return { out: stdout, err: stderr, code: exitCode };
  }

  it("shows all verbs in groups, and the exit codes", async () => {
    const { out, err, code } = await run(["--help"]);
    assert.deepEqual([err, code], ["", 0]);
    const groups = [...out.matchAll(/^(\w[\w ]*):\n((?: {2}\S.*\n)+)/gm)].map(([, name, lines]) => {
      return [
        name,
        lines!
          .trim()
          .split("\n")
          .map((line) => line.trim().split(" ")[0]),
      ];
    });
    assert.deepEqual(groups.slice(1, -1), [
      ["Run", ["run"]],
      ["Look", ["status", "results", "failed", "logs", "ui", "report"]],
      ["Act", ["retry", "cancel", "pause", "resume", "scale"]],
      ["Shared Redis", ["list", "purge"]],
      ["Program", ["try", "completion", "help"]],
    ]);
    assert.match(
      out,
      /\nExit codes of all commands:\n {2}0 {2}\S[^]*\n {2}1 {2}\S[^]*\n {2}2 {2}\S[^]*\n {2}3 {2}\S[^]*$/,
    );
    assert.deepEqual(await run([]), { out, err, code });
  });

  for (const { name } of verbs) {
    it(`${name} --help has examples and exit codes`, async () => {
      const { out, err, code } = await run([name, "--help"]);
      assert.deepEqual([err, code], ["", 0]);
      assert.match(out, new RegExp(`^Usage: npx --no wq ${name} \\[options\\]`));
      assert.match(out, new RegExp(`\\n  (npx --no |bash  eval "\\$\\()wq ${name}\\b`));
      assert.match(
        out,
        /\nExit codes:\n {2}0 {2}\S[^]*\n {2}3 {2}not done: bad arguments, no stack, no cluster, no Redis; one line on\n {5}stand/,
      );
      assert.equal((await run(["help", name])).out, out);
    });
  }

  it("is called by its name if the shell finds it", async () => {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    symlinkSync(wqScript, join(bin, "wq"));
    const env = { PATH: `${bin}:${dirname(process.execPath)}` };
    assert.match((await run(["failed", "--help"], { env })).out, /^Usage: wq failed[^]*\n {2}wq failed --json/);
    const npm = { PATH: `${join(folder, "node_modules/.bin")}:${dirname(process.execPath)}` };
    assert.match((await run(["failed", "--help"], { env: npm })).out, /^Usage: npx --no wq failed/);
  });

  it("says in one line that there is no such verb", async () => {
    const err = "wq: unknown command 'stauts' (Did you mean status?); see npx --no wq help";
    assert.deepEqual(await run(["stauts"]), { out: "", err, code: 3 });
  });

  it("says in one line what to do outside any program", async () => {
    const others = ["run", "try", "completion"]; // these need no program
    for (const { name } of verbs.filter(({ name }) => !others.includes(name))) {
      const args = { logs: ["apple"], cancel: ["apple"], scale: ["2"], purge: ["job2"] }[name] ?? [];
      const err = `wq ${name}: there is no Pulumi program in this folder or above it: change to the folder of one, or give --redis URL`;
      assert.deepEqual(await run([name, ...args]), { out: "", err, code: 3 });
    }
  });

  it("passes over a program that somebody else put into a folder above", async () => {
    const shared = join(folder, "shared");
    const own = join(shared, "own");
    mkdirSync(own, { recursive: true });
    writeFileSync(join(shared, "Pulumi.yaml"), "name: p\nruntime: nodejs\n");
    chownSync(join(shared, "Pulumi.yaml"), 65_534, 65_534);
    const foreign = `${join(shared, "Pulumi.yaml")} is another user's; else there is no Pulumi program in this folder or`;
    assert.ok((await run(["status"], { cwd: own })).err.startsWith(`wq status: ${foreign} above it: `));
    // The owner of the folder may put anything there.
    chownSync(own, 65_534, 65_534);
    assert.match((await run(["status"], { cwd: own })).err, /^wq status: pulumi is not on PATH/);
  });

  it("says in one line that there is no Pulumi", async () => {
    const program = join(folder, "program");
    mkdirSync(join(program, "below"), { recursive: true });
    writeFileSync(join(program, "Pulumi.yaml"), "name: p\nruntime: nodejs\n");
    const err = "wq status: pulumi is not on PATH; install it (https://www.pulumi.com/docs/install/)";
    assert.deepEqual(await run(["status"], { cwd: join(program, "below") }), { out: "", err, code: 3 });
    assert.deepEqual(readdirSync(program).sort(), ["Pulumi.yaml", "below"]);
  });

  it("runs its compiled code if it is an installed package, from the program's folder", async () => {
    const program = join(folder, "installed");
    const installed = join(program, "node_modules/job-wq-2");
    for (const path of ["cli", "dist/cli"]) mkdirSync(join(installed, path), { recursive: true });
    mkdirSync(join(program, "node_modules/.bin"));
    cpSync(wqScript, join(installed, "cli/wq.mjs"));
    writeFileSync(join(installed, "package.json"), '{"type":"module"}');
    writeFileSync(join(installed, "dist/cli/main.js"), "console.log(process.cwd(), ...process.argv.slice(2));");
    symlinkSync("../job-wq-2/cli/wq.mjs", join(program, "node_modules/.bin/wq"));
    writeFileSync(join(program, "package.json"), "{}");
    const { stdout } = await execa("npx", ["--no", "wq", "status", "--watch"], { cwd: program });
    assert.equal(stdout, `${realpathSync(program)} status --watch`);
  });

  it("keeps compiled code only in a folder that nobody else can write", async () => {
    const [home, tmp] = [join(folder, "home"), join(folder, "tmp")];
    for (const path of [home, tmp]) mkdirSync(path);
    const main = join(wqScript, "../main.ts");
    const env = { PATH: dirname(process.execPath), HOME: home, TMPDIR: tmp };
    const compiled = join(home, ".cache/job-wq-2/compiled");
    const wq = () => execa(process.execPath, [main, "list", "--help"], { env, extendEnv: false });
    await wq();
    assert.deepEqual(readdirSync(tmp), []);
    assert.ok(readdirSync(compiled).length > 0);
    assert.equal(statSync(compiled).mode & 0o777, 0o700);
    rmSync(compiled, { recursive: true });
    mkdirSync(compiled);
    chmodSync(compiled, 0o777);
    await wq();
    assert.deepEqual([readdirSync(tmp), readdirSync(compiled)], [[], []]);
  });

  it("try runs the handler, or a program, on one item", async () => {
    const file = join(folder, "handler.ts");
    writeFileSync(
      file,
      'export default (item: string, { log }: { log: (line: string) => void }) => { log("hi"); return item; };',
    );
    const env = { PATH: process.env.PATH! };
    assert.deepEqual(await run(["try", "kiwi", "--handler", "handler.ts"], { env }), {
      out: 'Working on kiwi\nhi\nDone: "kiwi"',
      err: "",
      code: 0,
    });
    const json = await run(["try", "kiwi", "--json", "--handler", "handler.ts"], { env });
    assert.deepEqual(JSON.parse(json.out), { item: "kiwi", outcome: "done", result: "kiwi", log: ["hi"] });
    const program = await run(["try", "kiwi", "--", "sh", "-c", "read item; echo -n --$item--"], { env });
    assert.deepEqual(program, { out: 'Working on kiwi\nDone: "--kiwi--"', err: "", code: 0 });
    const failed = await run(["try", "kiwi", "--", "sh", "-c", "echo no >&2; exit 65"], { env });
    assert.equal(failed.code, 1);
    assert.match(failed.err, /^Failed: not to be retried: .*65/);
    const missing = await run(["try", "kiwi", "--handler", "nowhere.ts"], { env });
    assert.equal(missing.code, 3);
    assert.equal(missing.err, `wq try: there is no handler ${join(folder, "nowhere.ts")}`);
    const other = await run(["try", "kiwi", "--handler", "wq"], { env });
    assert.match(
      other.err,
      /^wq try: wq is not a file of TypeScript, JavaScript or Python: give a program after --$|there is no handler .*\/wq$/,
    );
    writeFileSync(file, "export default (\n  item: string => item;\n");
    const broken = await run(["try", "kiwi", "--handler", "handler.ts"], { env });
    assert.match(broken.err, /^wq try: The handler cannot be bundled: handler\.ts:2: Expected .*$/);
    const dash = await run(["try", "--", "-rf", "--", "echo", "{}"], { env });
    assert.equal(dash.out, 'Working on -rf\nDone: "-rf"');
    writeFileSync(join(folder, "loud.py"), "print('loading')\ndef handle(item):\n  return item\n");
    const loud = await run(["try", "kiwi", "--json", "--handler", "loud.py"], { env });
    assert.deepEqual(
      [JSON.parse(loud.out), loud.err],
      [{ item: "kiwi", outcome: "done", result: "kiwi", log: [] }, "loading"],
    );
    const late = await run(["try", "kiwi", "--timeout", "0.2", "--", "sleep", "10"], { env });
    assert.deepEqual([late.code, late.err], [1, "Failed: The time limit of 0.2 s is over"]);
  });

  it("try takes a handler as `up` does: with modules by any of their names, enums, JSON; and says where it fails", async () => {
    writeFileSync(join(folder, "units.ts"), "export enum Unit { Kilo = 1000 }\n");
    writeFileSync(join(folder, "rates.json"), '{"rate": 2}');
    const handler = `import { Unit } from "./units.js";
import { rate } from "./rates.json";
export default (item: string) => {
  if (item === "bad") throw new Error("no rate");
  return rate * Unit.Kilo;
};`;
    writeFileSync(join(folder, "work.ts"), handler);
    const tried = (item: string) => run(["try", item, "--handler", "work.ts"], { env: { PATH: process.env.PATH! } });
    assert.deepEqual(await tried("fig"), { out: "Working on fig\nDone: 2000", err: "", code: 0 });
    assert.match((await tried("bad")).err, /^Failed: no rate\n {4}at .*work\.ts:4:\d+\)?$/);
  });

  it("try prints a long result to its end, also for a slow reader", async () => {
    const file = join(folder, "long.ts");
    writeFileSync(file, 'export default () => "x".repeat(1_000_000);');
    const script = `"$1" try kiwi --json --handler ${file} | { sleep 1; cat; }`;
    const { stdout } = await execa("sh", ["-c", script, "-", wqScript], { cwd: folder });
    assert.equal((JSON.parse(stdout) as { result: string }).result.length, 1_000_000);
  });

  it("try ends at SIGTERM, with all processes that it started", async () => {
    const pid = join(folder, "pid");
    const script = `echo $$ > ${pid}.new; mv ${pid}.new ${pid}; exec sleep 60`;
    const trying = execa(wqScript, ["try", "kiwi", "--", "sh", "-c", script], { cwd: folder, reject: false });
    for (const end = Date.now() + 20_000; !existsSync(pid) && Date.now() < end;) await sleep(20);
    trying.kill("SIGTERM");
    const { exitCode, stderr } = await trying;
    assert.deepEqual([exitCode, stderr], [1, "Failed: Ended by SIGTERM"]);
    const folderOf = `/proc/${readFileSync(pid, "utf8").trim()}`;
    for (const end = Date.now() + 20_000; existsSync(folderOf) && Date.now() < end;) await sleep(20);
    assert.equal(existsSync(folderOf), false);
  });

  it("try runs the `command` of the stack, and programs at the paths that they have in the image", async () => {
    const { project, remove } = checkout();
    try {
      const bin = join(folder, "pulumi");
      mkdirSync(bin);
      const locked = `case "$LOCKED $*" in 1*--show-secrets*) echo "error: no passphrase" >&2; exit 255; esac`;
      const script = `#!/bin/sh\n${locked}\n[ "$1 $2" = "config --json" ] && cat "$WORK"\n`;
      writeFileSync(join(bin, "pulumi"), script, { mode: 0o755 });
      mkdirSync(join(project, "worker/files"));
      writeFileSync(join(project, "worker/files/read.sh"), 'echo "$ITEM read"');
      const tried = async (env: Record<string, string>, ...args: string[]) => {
        const options = { cwd: project, env: { JOB_WQ_2_STATE: folder, ...env }, reject: false };
        const { stdout, stderr } = await execa(join(project, "cli/wq.mjs"), ["try", "kiwi", ...args], options);
        return `${stderr}${stdout.split("\n").at(-1)}`;
      };
      const PATH = process.env.PATH!;
      const of = (settings: object) => {
        const WORK = join(folder, "work.json");
        const written = Object.entries(settings).map(([key, value]) => [`job-wq-2:${key}`, value]);
        writeFileSync(WORK, JSON.stringify(Object.fromEntries(written)));
        return { PATH: `${bin}:${PATH}`, WORK };
      };
      const command = { value: '["sh", "read.sh"]' };
      assert.equal(await tried(of({ command })), 'Done: "kiwi read"');
      assert.equal(
        await tried({ ...of({ command, secretEnv: { secret: true } as never }), LOCKED: "1" }),
        'Going on without the secrets of the stack: no passphraseDone: "kiwi read"',
      );
      writeFileSync(
        join(project, "work.py"),
        'import os\ndef handle(item):\n  return [item, os.environ["TONE"], os.listdir()]\n',
      );
      const env = { value: '{"TONE":"low"}' };
      assert.equal(await tried(of({ handler: { value: "work.py" }, env })), 'Done: ["kiwi","low",["read.sh"]]');
      assert.equal(await tried({ PATH }, "--", "sh", "read.sh"), 'Done: "kiwi read"');
      assert.equal(
        await tried(of({ command: { value: "python3 p.py {}" } })),
        "wq try: `command` of the stack is not JSON: python3 p.py {}",
      );
      assert.equal(
        await tried(of({ command, secretEnv: { value: "TOKEN=hunter2", secret: true } as never })),
        "wq try: `secretEnv` of the stack is not JSON",
      );
      const none = of({});
      writeFileSync(join(bin, "pulumi"), `#!/bin/sh\necho "error: $WHY" >&2; exit 255\n`);
      assert.equal(
        await tried({ ...none, WHY: "no stack selected", WQ_WORK_SECONDS: "0" }),
        'No stack is selected: trying worker/handler.tsDone: {"characters":4}',
      );
      assert.equal(
        await tried({ ...none, WHY: "incorrect passphrase" }),
        "wq try: the stack's settings cannot be read: incorrect passphrase; or say what to try: --handler FILE, or a program after --",
      );
    } finally {
      remove();
    }
  });

  describe("completion in bash", () => {
    const bin = join(folder, "bash");
    const program = join(folder, "stacks");
    before(() => {
      mkdirSync(bin);
      symlinkSync(wqScript, join(bin, "wq"));
      mkdirSync(program);
      for (const name of ["Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.prod.yaml", "Pulumi.$(touch pwned).yaml"])
        writeFileSync(join(program, name), "{}");
    });
    /** The words that Tab offers after these. */
    async function offered(...words: string[]): Promise<string[]> {
      const script = `eval "$(wq completion bash)"
COMP_WORDS=(wq "$@"); COMP_CWORD=$#; _wq; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const env = { PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin` };
      const { stdout } = await execa("bash", ["-c", script, "bash", ...words], { cwd: program, env, extendEnv: false });
      return stdout.split("\n").filter(Boolean);
    }
    const rows: [words: string[], offered: string[]][] = [
      [["re"], ["results", "report", "retry", "resume"]],
      [["help", "sc"], ["scale"]],
      [["status", "--w"], ["--watch"]],
      [
        ["results", "--format", ""],
        ["ndjson", "csv"],
      ],
      [
        ["status", "--stack", ""],
        ["dev", "prod"],
      ],
      [["completion", "f"], ["fish"]],
      [["logs", "$(touch pwned)", ""], []],
      [["status", "--batch", ""], []],
    ];
    for (const [words, wanted] of rows) {
      it(`offers ${wanted.join(", ") || "nothing"} after ${words.join(" ")}`, async () => {
        assert.deepEqual(await offered(...words), wanted);
        assert.ok(!readdirSync(program).includes("pwned"), "what was typed is not run");
      });
    }
  });
});
