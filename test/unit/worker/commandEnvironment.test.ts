import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandEnvironment } from "../../../worker/commandEnvironment.ts";

describe("the environment of a command", () => {
  const before = { ...process.env };
  afterEach(() => void (process.env = { ...before }));

  it("is the container's, without the worker's own variables", () => {
    Object.assign(process.env, { LD_LIBRARY_PATH: "/opt/vendor/lib", WQ_X: "1", REDIS_URL: "redis://h" });
    const { LD_LIBRARY_PATH, WQ_X, REDIS_URL } = commandEnvironment();
    assert.deepEqual([LD_LIBRARY_PATH, WQ_X, REDIS_URL], ["/opt/vendor/lib", undefined, undefined]);
  });

  it("keeps HOME as an image sets it, and one that can be written to", () => {
    const home = mkdtempSync(join(tmpdir(), "home-"));
    for (const path of [home, "/opt/models"]) {
      process.env.HOME = path;
      assert.equal(commandEnvironment().HOME, path);
    }
    rmSync(home, { recursive: true });
  });
});
