import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { HASHES, NODE, nodeInstall } from "../../../local/fetchNode.mjs";

describe("local/launch.mjs", () => {
  it("refuses to start without a script", async () => {
    const { exitCode, stderr } = await execa("node", ["local/launch.mjs"], { reject: false });
    assert.equal(exitCode, 1);
    assert.equal(stderr, "job-wq-2: usage: node local/launch.mjs SCRIPT [ARGS…]");
  });
});

describe("code that runs as root", () => {
  it("is a Node.js whose content is pinned, for both processors", () => {
    for (const arch of ["x64", "arm64"]) assert.match(HASHES[NODE]![arch]!, /^sha512-[\w+/]{86}==$/);
    const folder = mkdtempSync(join(tmpdir(), "job-wq-2-node-"));
    const { args } = nodeInstall(folder);
    assert.deepEqual(args.slice(0, 3), ["ci", "--prefix", folder]);
    const { packages } = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8"));
    assert.equal(packages[`node_modules/node-linux-${process.arch}`].integrity, HASHES[NODE]![process.arch]);
    assert.throws(() => nodeInstall(folder, {}), /^Error: local\/fetchNode\.mjs has no hash of Node\.js /);
    rmSync(folder, { recursive: true });
  });

  it("is no install script of a package", () => {
    assert.match(readFileSync(".npmrc", "utf8"), /^ignore-scripts=true$/m);
  });
});

describe("a Node.js that is too old", () => {
  // Node.js in such a version is simulated, so this runs on any machine.
  const old = 'data:text/javascript,Object.defineProperty(process.versions,"node",{value:"20.20.2"})';

  for (const [what, file] of [
    ["the stack file's program", "config/compileCache.mjs"],
    ["a program that uses the library", "config/requireNode.mjs"],
  ] as const) {
    it(`is reported in one line: ${what}`, async () => {
      const { exitCode, stderr } = await execa("node", ["--import", old, file], { reject: false });
      assert.equal(exitCode, 1);
      const lines = stderr
        .split("\n")
        .filter((line) => /job-wq-2: Node\.js 22\.18 or newer is needed, this is 20\.20\.2/.test(line));
      assert.equal(lines.length, 1, stderr);
    });
  }
});
