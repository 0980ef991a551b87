import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beginJoblog, doneIn, jobLine } from "../../../../cli/run/joblog.ts";
import {
  checkOptions,
  environmentOf,
  maxFailures,
  resourcesOf,
  type RunOptions,
  secretsOf,
} from "../../../../cli/run/options.ts";
import { parseCommandLine } from "../../../../cli/run/sources.ts";
import type { ResultRow } from "../../../../queue/index.ts";

describe("wq run", () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "wq-run-test-"))));
  after(() => rmSync(folder, { recursive: true }));

  it("separates the program and its items as GNU parallel does", async () => {
    const file = join(folder, "urls.txt");
    writeFileSync(file, "http://a/\n\nb c\r\n");
    for (const [words, command, items] of [
      [
        ["gzip", "-k", "{}", ":::", "a", "-b"],
        ["gzip", "-k", "{}"],
        ["a", "-b"],
      ],
      [
        ["cat", "{}", "::::", file, file],
        ["cat", "{}"],
        ["http://a/", "b c", "http://a/", "b c"],
      ],
      [[":::", "a"], [], ["a"]],
      [["cat"], ["cat"], undefined],
      [["cat", ":::", "a", "b", ":::", "1", "2"], ["cat"], ['["a","1"]', '["a","2"]', '["b","1"]', '["b","2"]']],
      [["cat", ":::", "a", "b", ":::+", "1", "2"], ["cat"], ['["a","1"]', '["b","2"]']],
      [["cat", "::::", file, ":::+", "1", "2", ":::", "x"], ["cat"], ['["http://a/","1","x"]', '["b c","2","x"]']],
    ] as const)
      assert.deepEqual(await parseCommandLine([...words]), { command: [...command], items: items && [...items] });
    const argFile = file;
    assert.deepEqual(await parseCommandLine(["cat"], { argFile }), { command: ["cat"], items: ["http://a/", "b c"] });
    const both = await parseCommandLine(["cat", ":::", "x"], { argFile });
    assert.deepEqual(both, { command: ["cat"], items: ['["http://a/","x"]', '["b c","x"]'] });
  });

  it("reads items that end with zero bytes, as they are", async () => {
    const file = join(folder, "found");
    writeFileSync(file, "a\nb\0[c]\0");
    assert.deepEqual((await parseCommandLine(["cat", "::::", file], { null: true })).items, ["a\nb", "[c]"]);
  });

  it("refuses more combinations than a run can have, before it makes them", async () => {
    const some = Array.from({ length: 101 }, (_, n) => String(n));
    const message = "1030301 combinations are too many for a run: use a stack";
    await assert.rejects(parseCommandLine(["cat", ":::", ...some, ":::", ...some, ":::", ...some]), { message });
  });

  it("reads files of items as `itemsFile` does, and refuses what is no list", async () => {
    const write = (name: string, content: string | Buffer) => {
      writeFileSync(join(folder, name), content);
      return ["cat", "::::", join(folder, name)];
    };
    const read = async (name: string, content: string | Buffer) => (await parseCommandLine(write(name, content))).items;
    assert.deepEqual(await read("a.gz", gzipSync("a\r\nb\n")), ["a", "b"]);
    assert.deepEqual(await read("a.txt", "\ufeffa\n\nb"), ["a", "b"]);
    assert.deepEqual(await read("u.txt", Buffer.from("\ufeffä\n", "utf16le")), ["ä"]);
    assert.deepEqual(await read("a.json", '["a", {"b": 1}]'), ["a", '{"b":1}']);
    await assert.rejects(parseCommandLine(write("a.csv", "id\n1\n")), {
      name: "UserError",
      message: /^expected the items to be a list, one item per line; a\.csv is a table, whose lines are rows: tail/,
    });
    await assert.rejects(read("latin1.txt", Buffer.from("caf\xe9\n", "latin1")), {
      message: /^the items of \S+latin1\.txt are not UTF-8; from Latin-1: iconv -f LATIN1 -t UTF-8$/,
    });
  });

  it("waits for items of a pipe whose writer is slower", async () => {
    const module = join(import.meta.dirname, "../../../../cli/run/sources.ts");
    const program = `const { readItems } = await import(${JSON.stringify(module)});
      process.stdin.isTTY; // makes the pipe non-blocking
      console.log("opened");
      console.log(JSON.stringify(await readItems("-").catch(String)));`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
    let said = "";
    child.stdout.on("data", (data: Buffer) => {
      said += data.toString();
      if (said === "opened\n") child.stdin.end("a\nb\n");
    });
    child.stdin.on("error", () => {});
    await once(child, "close");
    assert.equal(said, 'opened\n["a","b"]\n');
  });

  for (const [words, why] of [
    [["cat", ":::"], "there is nothing after :::: give items, or files with items"],
    [["cat", ":::", "a", ":::+", "b", "c"], ":::+ needs as many items as the source before it has: 1, not 2"],
    [["cat", ":::+", "b"], ":::+ needs as many items as the source before it has: none, not 1"],
    [["cat", ":::", "a", ":::"], "there is nothing after :::: give items, or files with items"],
    [
      ["cat", "::::", "/nowhere"],
      "cannot read the items of /nowhere: ENOENT: no such file or directory, open '/nowhere'",
    ],
  ] as const)
    it(`refuses ${words.join(" ")}`, async () => {
      await assert.rejects(parseCommandLine([...words]), { name: "UserError", message: why });
    });

  for (const [wrong, message] of [
    [{ jobs: "two" }, /^Expected `--jobs` to be an integer from 1 up, or a range like 2\.\.100, got "two"\.$/],
    [{ jobs: "50%" }, /^--jobs is a number of pods, and has no processors to be measured by: got 50%$/],
    [{ jobs: "+2" }, /^--jobs is a number of pods, .*: got \+2$/],
    [{ requirements: "none.txt" }, /^--requirements none\.txt: it does not exist$/],
    [{ image: "Python:3" }, /^Expected `--image` to be an image's name .*, got "Python:3"\.$/],
    [{ timeout: "30" }, /^Expected `--timeout` to be a duration from 1s up, .*, got "30"\.$/],
    [{ memory: "512" }, /^Expected `--memory` to be a quantity with its unit, like 512Mi, got "512"\.$/],
    [{ redis: "me:s3cret@host" }, /^Expected `--redis` to be a URL like .*, got something else\.$/],
    [{ files: "/nowhere" }, /^--files \/nowhere: it does not exist$/],
    [{ files: "/dev/null" }, /^--files \/dev\/null: it is not a folder$/],
    [{ handler: "nowhere.ts" }, /^--handler nowhere\.ts: it does not exist$/],
    [{ pod: "/nowhere" }, /^--pod \/nowhere: ENOENT/],
    [{ env: ["X"] }, /^--env takes NAME=VALUE, not X; --secret-env takes one from here$/],
    [{ env: ["1 X=y"] }, /^Expected `--env` to be a map of variables, by names of letters, .*, got "1 X"\.$/],
    [{ env: ["ITEM=y"] }, /^Expected `--env` to leave ITEM alone: /],
    [
      { namespace: "My_Team" },
      /^Expected `--namespace` to be lower-case letters, digits and dashes, .*, got "My_Team"\.$/,
    ],
    [{ pod: "/dev/null" }, /^Expected `--pod` to be a map, got null\.$/],
  ] as const)
    it(`refuses ${Object.keys(wrong)[0]} before anything begins`, () => {
      const options = { jobs: "2", ...wrong } as unknown as RunOptions;
      assert.throws(() => checkOptions(options), { name: "UserError", message });
    });

  it("refuses a folder with a link to a file outside, which would be copied", () => {
    const files = join(folder, "linked");
    mkdirSync(join(files, "below"), { recursive: true });
    writeFileSync(join(folder, "id_rsa"), "key");
    writeFileSync(join(files, "own"), "");
    symlinkSync("../own", join(files, "below/inside"));
    symlinkSync("nowhere", join(files, "broken"));
    checkOptions({ jobs: "2", files });
    const link = join(files, "below/notes.txt");
    symlinkSync("../../id_rsa", link);
    const message = `--files ${files}: ${link} leads out of it, to ${realpathSync(link)}; a run carries only what is in it`;
    assert.throws(() => checkOptions({ jobs: "2", files }), { name: "UserError", message });
  });

  it("refuses files that a run cannot carry, before they are copied", () => {
    const files = join(folder, "large");
    mkdirSync(join(files, "below"), { recursive: true });
    writeFileSync(join(files, "below/a"), Buffer.alloc(600_000));
    checkOptions({ jobs: "2", files });
    writeFileSync(join(files, "b"), Buffer.alloc(600_000));
    const message = `--files ${files}: a run carries at most 977 KiB: give a smaller folder, or use a stack with \`imageName\``;
    assert.throws(() => checkOptions({ jobs: "2", files }), { name: "UserError", message });
  });

  const row = (id: number, outcome: "done" | "failed", reason: string | null = null): ResultRow => ({
    id,
    item: "a b",
    outcome,
    result: outcome === "done" ? { n: 1 } : null,
    attempts: 1,
    pod: "wq-1-x",
    start: "2026-11-29T20:00:00.000Z",
    end: "2026-11-29T20:00:01.500Z",
    duration: 1500,
    reason,
  });

  it("writes GNU parallel's job log, and reads what is left to do", () => {
    const file = join(folder, "log");
    beginJoblog(file);
    const lines = [
      jobLine(row(1, "done"), 1, "gzip a b"),
      jobLine(row(2, "failed", "gzip exited with code 3: bad"), 2, "gzip\tc\nd"),
      jobLine(row(3, "failed", "gzip was ended by SIGKILL"), 3, "gzip e"),
      jobLine(row(5, "failed", "serve.py exited with code 0 as it worked"), 5, "serve.py"),
      jobLine({ ...row(6, "failed"), pod: "p\n7\tp\t0\t1\t1\t1\t0\t0\tx" }, 6, "echo \r\u001b[2J"),
    ];
    writeFileSync(file, lines.join(""), { flag: "a" });
    beginJoblog(file);
    assert.equal(
      readFileSync(file, "utf8"),
      "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n" +
        "1\twq-1-x\t1795982400.000\t1.500\t3\t7\t0\t0\tgzip a b\n" +
        "2\twq-1-x\t1795982400.000\t1.500\t3\t0\t3\t0\tgzip c d\n" +
        "3\twq-1-x\t1795982400.000\t1.500\t3\t0\t1\t9\tgzip e\n" +
        "5\twq-1-x\t1795982400.000\t1.500\t3\t0\t1\t0\tserve.py\n" +
        "6\tp\\n7\\tp\\t0\\t1\\t1\\t1\\t0\\t0\\tx\t1795982400.000\t1.500\t3\t0\t1\t0\techo \\u000d\\u001b[2J\n",
    );
    assert.deepEqual([...doneIn(file)], [1]);
    writeFileSync(file, jobLine(row(2, "done"), 2, "gzip c d") + "4\twq", { flag: "a" });
    assert.deepEqual([...doneIn(file)], [1, 2]);
    beginJoblog(file);
    writeFileSync(file, jobLine(row(3, "done"), 3, "gzip e"), { flag: "a" });
    assert.deepEqual([...doneIn(file)], [1, 2, 3]);
    assert.deepEqual([...doneIn(join(folder, "none"))], []);
    assert.throws(() => doneIn(join(folder, "urls.txt")), /is not a job log: its first line does not begin with Seq$/);
  });

  it("understands --halt, --env, --secret-env, --cpu, --memory and --gpu", () => {
    assert.equal(maxFailures("soon,fail=3", 100), 2);
    for (const [halt, items, allowed] of [
      ["now,fail=10%", 55, 5],
      ["soon,fail=10%", 100, 9],
      ["soon,fail=1%", 3, 0],
    ] as const)
      // prettier-ignore
      assert.equal(maxFailures(halt, items), allowed);
    assert.deepEqual(environmentOf(["A=1", "B=x=y"]), { A: "1", B: "x=y" });
    assert.throws(() => environmentOf(["A"]), { message: /^--env takes NAME=VALUE, not A; / });
    assert.throws(() => secretsOf(["NO_SUCH_THING"]), {
      message: "--secret-env NO_SUCH_THING: there is no such variable here",
    });
    assert.throws(() => secretsOf(["TOKEN=hunter2"]), {
      message: "--secret-env takes a name alone, and the value from here: TOKEN",
    });
    assert.equal(resourcesOf({ jobs: "2" }), undefined);
    assert.deepEqual(resourcesOf({ jobs: "2", gpu: 1, memory: "2Gi" }), {
      requests: { cpu: "100m", memory: "2Gi" },
      limits: { cpu: "1", memory: "2Gi", "nvidia.com/gpu": "1" },
    });
  });
});
