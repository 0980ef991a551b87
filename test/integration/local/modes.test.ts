// Root's daemons read and run only what nobody else may write, even if the shell's umask allows all.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { root } from "../../support/checkout.ts";

describe("folders of the local platform", () => {
  it("can be changed by root alone, whatever the umask", async () => {
    const home = mkdtempSync(join(tmpdir(), "job-wq-2-modes-"));
    try {
      const env = { XDG_STATE_HOME: join(home, "state"), XDG_CACHE_HOME: join(home, "cache") };
      const command = [process.execPath, join(root, "local/platform.ts"), "env"];
      await execa("sh", ["-c", 'umask 0; exec "$@"', "sh", ...command], { env });
      const made = (readdirSync(home, { recursive: true }) as string[]).map((name) => join(home, name));
      const folders = made.filter((path) => statSync(path).isDirectory());
      assert.ok(folders.length >= 3, made.join());
      for (const path of folders) assert.equal(statSync(path).mode & 0o022, 0, path);
    } finally {
      rmSync(home, { recursive: true });
    }
  });
});
