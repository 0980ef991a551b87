import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withoutServices } from "../../../../local/host/apt.ts";

describe("Debian's policy for services", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-policy-"));
  const policy = join(dir, "policy-rc.d");
  after(() => rmSync(dir, { recursive: true }));
  const answer = () => spawnSync(policy, ["redis-server", "start"]).status;

  it("forbids them while packages are installed, and only while that process lives", async () => {
    await withoutServices(async () => {
      assert.equal(answer(), 101);
      const left = readFileSync(policy, "utf8");
      const { pid } = spawnSync("true");
      writeFileSync(policy, left.replace(String(process.pid), String(pid)));
      assert.equal(answer(), 0, "of a process that was killed");
      await withoutServices(() => Promise.resolve(assert.equal(answer(), 101)), policy);
    }, policy);
    assert.equal(existsSync(policy), false);
  });

  it("leaves a policy of the machine's own", async () => {
    writeFileSync(policy, "#!/bin/sh\nexit 104\n", { mode: 0o755 });
    await withoutServices(() => Promise.resolve(assert.equal(answer(), 104)), policy);
    assert.equal(answer(), 104);
  });
});
