// Two stacks of one checkout, whose `up`s stage their images at the same time.
import assert from "node:assert/strict";
import {
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { root } from "../../support/checkout.ts";

const IMPORT = `import { stageWorker } from ${JSON.stringify(join(root, "components/image/buildContext.ts"))};`;
const script = `${IMPORT}
  import assert from "node:assert/strict";
  import { readFileSync } from "node:fs";
  const [files, rounds] = process.argv.slice(1);
  for (let round = 0; round < rounds; round++) {
    const context = stageWorker("worker", { handler: undefined, files });
    assert.equal(readFileSync(context + "/files/mine", "utf8"), files);
    assert.ok(readFileSync(context + "/code/bin/worker.js", "utf8").length > 1000);
  }`;

describe("the build contexts of `up`s in one checkout", () => {
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "job-wq-2-staging-"))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** Stages an image with these files, several times. */
  const stage = async (files: string, rounds = 1) => {
    mkdirSync(join(dir, files), { recursive: true });
    writeFileSync(join(dir, files, "mine"), files);
    await execa(process.execPath, ["--input-type=module", "-e", script, files, String(rounds)], { cwd: dir });
  };

  it("are separate, also while others are made", async () => {
    await Promise.all(["a", "a", "b", "c"].map((files) => stage(files, 40)));
  });

  it("are removed when none used them for an hour", async () => {
    await stage("old");
    const stages = join(dir, ".job-wq-2");
    const left = readdirSync(stages).filter((name) => name.startsWith("worker-"));
    const twoHoursAgo = new Date(Date.now() - 2 * 60 * 60_000);
    for (const name of readdirSync(stages)) utimesSync(join(stages, name), twoHoursAgo, twoHoursAgo);
    await stage("new");
    const now = readdirSync(stages);
    assert.ok(!now.includes(left[0]!), now.join());
    assert.deepEqual(now.map((name) => name.replace(/-\w+$/, "")).sort(), [".gitignore", "programs", "worker"]);
  });

  it("do not contain each other if `files` is the program's own folder", async () => {
    const script = `console.log(stageWorker("worker", { handler: undefined, files: process.cwd() }))`;
    const once = () => execa(process.execPath, ["--input-type=module", "-e", IMPORT + script], { cwd: dir });
    writeFileSync(join(dir, "mine"), "");
    for (const left of ["__pycache__", ".git"]) mkdirSync(join(dir, left));
    const { stdout: context } = await once();
    assert.deepEqual(readdirSync(join(dir, context, "files")), ["mine"]);
    assert.equal((await once()).stdout, context);
  });

  it("have the same bytes wherever the program is", async () => {
    const script = `console.log(stageWorker("worker", { handler: undefined, files: undefined }))`;
    const contexts = ["near", "a/folder/far/away"].map(async (name) => {
      const cwd = join(dir, name);
      mkdirSync(cwd, { recursive: true });
      return (await execa(process.execPath, ["--input-type=module", "-e", IMPORT + script], { cwd })).stdout;
    });
    const [near, far] = await Promise.all(contexts);
    assert.equal(near, far); // the name has a digest of the content
  });

  it("are for their owner alone, since copied files may be private", async () => {
    mkdirSync(join(dir, ".job-wq-2"), { mode: 0o755 });
    await stage("a");
    assert.equal(statSync(join(dir, ".job-wq-2")).mode & 0o777, 0o700);
  });

  it("are not made in a folder of somebody else's, nor through a link", async () => {
    const stages = join(dir, ".job-wq-2");
    const target = mkdtempSync(join(tmpdir(), "job-wq-2-target-"));
    symlinkSync(target, stages);
    await assert.rejects(stage("a"), /\.job-wq-2 is no folder: delete it, or go to a folder of your own\./);
    rmSync(stages);
    mkdirSync(stages);
    chownSync(stages, 65_534, 65_534);
    await assert.rejects(stage("a"), /\.job-wq-2 is another user's: delete it, or go to a folder of your own\./);
    chownSync(dir, 65_534, 65_534); // root may write into folders of anybody
    await stage("a");
    assert.deepEqual(readdirSync(target), []);
    rmSync(target, { recursive: true });
  });

  it("lie in a temporary folder if the program's folder cannot be written", async () => {
    const script = `console.log(stageWorker("acme/worker", { handler: undefined, files: undefined }))`;
    // In /sys, not even root can make a folder.
    const options = { cwd: "/sys", env: { TMPDIR: dir } };
    const { stdout } = await execa(process.execPath, ["--input-type=module", "-e", IMPORT + script], options);
    assert.match(stdout.slice(dir.length), /^\/job-wq-2-\d+\/acme-worker-\w+$/);
    assert.ok(readdirSync(join(stdout, "code/bin")).includes("worker.js"));
    assert.equal(statSync(join(stdout, "..")).mode & 0o777, 0o700);
  });

  it("take no programs that somebody forged", async () => {
    await stage("a");
    const stages = join(dir, ".job-wq-2");
    const [programs] = readdirSync(stages).filter((name) => name.startsWith("programs-"));
    const forged = join(stages, "programs-0000000000000000");
    cpSync(join(stages, programs!), forged, { recursive: true });
    rmSync(join(stages, programs!), { recursive: true });
    writeFileSync(join(forged, "inputs.json"), "{}");
    for (const file of readdirSync(forged, { recursive: true }) as string[])
      if (file.endsWith("worker.js")) writeFileSync(join(forged, file), "owned()");
    await stage("b");
    const contexts = readdirSync(stages).filter((name) => name.startsWith("worker-"));
    for (const context of contexts)
      assert.doesNotMatch(readFileSync(join(stages, context, "code/bin/worker.js"), "utf8"), /^owned/);
  });

  it("refuse links in a circle in one line, at once", async () => {
    mkdirSync(join(dir, "files/below"), { recursive: true });
    for (const [to, name] of [
      [".", "a"],
      [".", "b"],
      ["..", "below/c"],
    ] as const)
      symlinkSync(to, join(dir, "files", name));
    await assert.rejects(
      stage("files"),
      /The image cannot be made: files\/a is a link that leads back to a folder it is in\./,
    );
  });
});
