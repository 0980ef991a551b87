// Other items and other work: a long file, an edited list, and a program in another language.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkout } from "../../support/checkout.ts";
import { onPlatform } from "../../support/platform.ts";
import { fruits, TestStack } from "../../support/stack.ts";

/** Leaves a child behind that holds the outputs open for an hour. */
const PROGRAM = `import os, subprocess, sys
item = sys.stdin.read()
assert item == os.environ["ITEM"], item
subprocess.Popen(["sleep", "3600"])
if item == "banana":
    sys.exit(65)
print("looked at " + item, file=sys.stderr)
print(os.environ["GREETING"] + item[::-1])
`;

describe("items and work of other kinds", () => {
  const { project, remove } = checkout();
  onPlatform();
  after(remove);

  async function withStack(settings: Record<string, unknown>, use: (stack: TestStack) => Promise<void>): Promise<void> {
    const stack = await new TestStack(settings, { project }).init();
    try {
      await use(stack);
    } finally {
      await stack.remove();
    }
  }

  it("a list whose waiting items change: one comes, one goes, as the preview says; the rest stay in order", async () => {
    await withStack({ workers: false }, async (stack) => {
      const first = await stack.preview();
      assert.doesNotMatch(first.text, /items: \d/);
      await stack.mustUp();
      assert.deepEqual((await stack.redis("lrange", "job2", "0", "-1")).split("\n"), fruits);
      const same = await stack.preview("--expect-no-changes");
      assert.ok(same.ok, same.text);
      assert.doesNotMatch(same.text, /items: \d/);
      const items = [...fruits.filter((item) => item !== "banana"), "kiwi"];
      stack.set({ items });
      const preview = await stack.preview();
      assert.match(preview.text, /items: 1 new, 1 removed, 0 done, 0 to be retried/);
      await stack.mustUp();
      assert.deepEqual((await stack.redis("lrange", "job2", "0", "-1")).split("\n"), items);
    });
  });

  it("a file too long for a ConfigMap travels in an image of its own", async () => {
    const items = Array.from({ length: 60_000 }, () => randomBytes(12).toString("hex"));
    writeFileSync(join(project, "items.txt"), items.join("\n"));
    const settings = { items: undefined, itemsFile: "items.txt", concurrency: 32, parallelism: 1, logFormat: "json" };
    await withStack(settings, async (stack) => {
      const { text } = await stack.mustUp();
      assert.match(
        text,
        /The items travel in the image 127\.0\.0\.1:5000\/job-wq-2:items-job-wq-2: everybody who may pull it can/,
      );
      assert.doesNotMatch(text, /ConfigMap \S*items/);
      assert.equal(await stack.redis("hlen", "{job2}:results"), String(items.length));
      const preview = await stack.preview("--expect-no-changes");
      assert.ok(preview.ok, preview.text);
    });
  });

  it("a Python program on Python's own image, which leaves children behind", async () => {
    mkdirSync(join(project, "worker/files"), { recursive: true });
    // A link whose target is not in the image.
    writeFileSync(join(project, "worker/process.py"), PROGRAM);
    symlinkSync("../process.py", join(project, "worker/files/process.py"));
    const settings = {
      baseImage: "python:3-slim",
      command: ["python3", "process.py"],
      allowFailures: true,
      env: { GREETING: "hello " },
      keepLogs: "all",
    };
    await withStack(settings, async (stack) => {
      await stack.mustUp();
      const verdict = await stack.verdict();
      assert.match(verdict, /1 of 9 items failed: banana/);
      // The records have its result and its log.
      const record = await stack.redis("hget", "{job2}:results", "1");
      assert.match(record, /^d\d+ ="hello elppa/);
      assert.match(await stack.redis("hget", "{job2}:logs", "1"), /looked at apple/);
    });
  });
});
