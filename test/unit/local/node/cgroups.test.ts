import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cgroupProcesses, makeCgroup } from "../../../../local/node/cgroups.ts";

describe("the nodes' cgroups", () => {
  let root: string;
  const file = (...path: string[]) => join(root, ...path);

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "job-wq-2-cgroup-"));
    // A machine with version 1, as a folder: one hierarchy per controller, and a folder that is none.
    for (const controller of ["cpuset", "memory", "unified"]) {
      mkdirSync(file(controller));
      writeFileSync(file(controller, "cgroup.procs"), "1\n");
    }
    writeFileSync(file("cpuset", "cpuset.cpus"), "0-1\n");
    writeFileSync(file("cpuset", "cpuset.mems"), "0\n");
    mkdirSync(file("other"));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it("are made in every hierarchy, with the processors and the memory of their parent", () => {
    // The kernel fills a new cgroup; the test does that beforehand.
    mkdirSync(file("cpuset", "node"));
    for (const name of ["cpuset.cpus", "cpuset.mems"]) writeFileSync(file("cpuset", "node", name), "\n");
    makeCgroup("node", root);
    assert.equal(readFileSync(file("cpuset", "node", "cpuset.cpus"), "utf8"), "0-1");
    assert.equal(readFileSync(file("cpuset", "node", "cpuset.mems"), "utf8"), "0");
    assert.ok(existsSync(file("memory", "node")) && existsSync(file("unified", "node")));
    assert.ok(!existsSync(file("other", "node")));
  });

  it("know the processes in them and below", () => {
    makeCgroup("node", root);
    mkdirSync(file("memory", "node", "pod"));
    writeFileSync(file("memory", "node", "cgroup.procs"), "7\n");
    writeFileSync(file("memory", "node", "pod", "cgroup.procs"), "8\n9\n");
    assert.deepEqual(cgroupProcesses("node", root), [7, 8, 9]);
    assert.deepEqual(cgroupProcesses("none", root), []);
  });
});
