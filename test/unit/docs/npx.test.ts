// Nobody owns the name `wq` at the registry. Where it is not installed, `npx wq` runs whatever somebody publishes.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../../..");
/** `npx NAME` in a sentence or a command line, and `"npx", ["NAME"` in code. */
const FETCHES = /\bnpx(?: |", \[")(?!--no\b)(?:-\S+ )*["']?(?:wq|job-wq-2)\b/;

describe("texts, messages and code", () => {
  it("never make npx fetch a package", () => {
    const files = execFileSync("git", ["ls-files"], { cwd: root, encoding: "utf8" }).split("\n");
    const own = import.meta.filename;
    const found = files.filter((file) => {
      const path = join(root, file);
      return file !== "" && path !== own && existsSync(path) && FETCHES.test(readFileSync(path, "utf8"));
    });
    assert.deepEqual(found, []);
  });
});
