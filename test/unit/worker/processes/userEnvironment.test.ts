import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commandEnvironment } from "../../../../worker/processes/userEnvironment.ts";

describe("the environment of a command", () => {
  const before = { ...process.env };
  afterEach(() => void (process.env = { ...before }));

  it("is the container's, with the user's own REDIS_URL, and without the worker's variables", () => {
    Object.assign(process.env, { LD_LIBRARY_PATH: "/opt/vendor/lib", WQ_X: "1" });
    Object.assign(process.env, { WQ_REDIS_URL: "redis://ours", REDIS_URL: "redis://h" });
    const { LD_LIBRARY_PATH, WQ_X, WQ_REDIS_URL, REDIS_URL } = commandEnvironment();
    assert.deepEqual(
      [LD_LIBRARY_PATH, WQ_X, WQ_REDIS_URL, REDIS_URL],
      ["/opt/vendor/lib", undefined, undefined, "redis://h"],
    );
  });

  it("keeps HOME as the image sets it, and a home that can be written", () => {
    const home = mkdtempSync(join(tmpdir(), "home-"));
    for (const path of [home, "/opt/models"]) {
      process.env.HOME = path;
      assert.equal(commandEnvironment().HOME, path);
    }
    rmSync(home, { recursive: true });
  });
});
