// Full run only: the oldest Node.js that package.json promises runs what the present one runs.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { testFiles } from "../../support/testFiles.ts";

const root = join(import.meta.dirname, "../../..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { engines: { node: string } };
const oldest = `${manifest.engines.node.replace(">=", "")}.0`;

describe(`Node.js ${oldest}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "job-wq-2-node-"));
  after(() => rmSync(folder, { recursive: true }));
  const bin = join(folder, "node_modules", `node-linux-${process.arch}`, "bin");
  const run = (...args: string[]) =>
    execa(join(bin, "node"), args, {
      cwd: root,
      all: true,
      reject: false,
      env: { PATH: `${bin}${delimiter}${process.env.PATH}` },
    });

  before(async () => {
    const from = [`node-linux-${process.arch}@${oldest}`, "--prefix", folder];
    await execa("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", ...from]);
    assert.equal((await run("--version")).all, `v${oldest}`);
  });

  it("passes the unit tests", async () => {
    const { exitCode, all } = await run("node_modules/mocha/bin/mocha.js", "--reporter", "dot", ...testFiles("unit"));
    assert.equal(exitCode, 0, all);
    assert.match(all, /\d{3} passing/);
  });

  it("runs wq", async () => {
    const { exitCode, all } = await run("cli/wq.mjs", "try", "an apple", "--", "printf", "%s", "{}");
    assert.equal(exitCode, 0, all);
    assert.match(all, /an apple/);
  });
});
