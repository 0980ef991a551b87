import assert from "node:assert/strict";
import { execa } from "execa";

describe("local/launch.mjs", () => {
  it("refuses to start without a script", async () => {
    const { exitCode, stderr } = await execa("node", ["local/launch.mjs"], { reject: false });
    assert.equal(exitCode, 1);
    assert.equal(stderr, "job-wq-2: usage: node local/launch.mjs SCRIPT [ARGS…]");
  });
});
