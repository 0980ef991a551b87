import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { dirname, extname, join } from "node:path";

const root = join(import.meta.dirname, "..", "..");
/** The most files in a folder that a reader can take in at once. */
const MAX_FILES = 14;
const SOURCES = new Set([".ts", ".mjs", ".lua", ".sh", ".go", ".css"]);

describe("the folders", () => {
  it(`have at most ${MAX_FILES} source files each`, function () {
    const files = listed();
    if (files.length === 0) this.skip(); // a packed copy has no list of files
    const sizes = new Map<string, number>();
    for (const file of files) sizes.set(dirname(file), (sizes.get(dirname(file)) ?? 0) + 1);
    const large = [...sizes].filter(([, size]) => size > MAX_FILES).map(([folder, size]) => `${folder}: ${size}`);
    assert.deepEqual(large, []);
  });
});

/** Sources that Git knows; tests' own helpers are not counted. */
function listed(): string[] {
  try {
    const text = execFileSync("git", ["ls-files", "-z"], {
      cwd: root,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return text.split("\0").filter((file) => SOURCES.has(extname(file)) && !file.startsWith("test/"));
  } catch {
    return [];
  }
}
