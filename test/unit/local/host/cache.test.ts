import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cached, hash } from "../../../../local/host/cache.ts";
import { cacheDir } from "../../../../local/paths.ts";

describe("the platform's cache", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-cache-"));
  const name = `test-${process.pid}`;
  after(() => {
    rmSync(dir, { recursive: true, force: true });
    for (const entry of readdirSync(cacheDir))
      if (entry.includes(name)) rmSync(join(cacheDir, entry), { recursive: true });
  });

  it("has a key that changes with a text, a file's content and a file's name", () => {
    mkdirSync(join(dir, "sub"));
    writeFileSync(join(dir, "sub", "a"), "1");
    const first = hash(["x"], [dir]);
    assert.equal(hash(["x"], [dir]), first);
    assert.notEqual(hash(["y"], [dir]), first);
    writeFileSync(join(dir, "sub", "a"), "2");
    const second = hash(["x"], [dir]);
    assert.notEqual(second, first);
    rmSync(join(dir, "sub", "a"));
    writeFileSync(join(dir, "sub", "b"), "2");
    assert.notEqual(hash(["x"], [dir]), second);
  });

  it("builds once, and leaves nothing of a build that fails", async () => {
    const failing = cached(name, "k", (half) => {
      writeFileSync(join(half, "part"), "");
      return Promise.reject(new Error("broken"));
    });
    await assert.rejects(failing, /broken/);
    assert.deepEqual(
      readdirSync(cacheDir).filter((entry) => entry.includes(name)),
      [],
    );
    const build = (half: string) => Promise.resolve(writeFileSync(join(half, "whole"), ""));
    const first = await cached(name, "k", build);
    assert.equal(first.built, true);
    assert.ok(existsSync(join(first.dir, "whole")));
    const again = await cached(name, "k", () => Promise.reject(new Error("built twice")));
    assert.deepEqual(again, { dir: first.dir, built: false });
  });

  it("removes the leftovers of a killed build", async () => {
    const [killed, underWay] = [`half-${name}-4194305-abcdef`, `half-${name}-${process.pid}-abcdef`];
    for (const entry of [killed, underWay]) mkdirSync(join(cacheDir, entry));
    await cached(name, "other", () => Promise.resolve());
    assert.ok(!existsSync(join(cacheDir, killed)));
    assert.ok(existsSync(join(cacheDir, underWay)));
  });

  it("takes the entry that another process made meanwhile", async () => {
    const made = await cached(name, "race", async () => {
      await cached(name, "race", (half) => Promise.resolve(writeFileSync(join(half, "first"), "")));
    });
    assert.ok(existsSync(join(made.dir, "first")));
  });
});
