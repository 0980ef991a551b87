// Runs alone: it takes the platform down.
// Full run only: it takes minutes.
// `npm start` and the tests, one after the other in one checkout.
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { devStack, exists } from "../../../local/dev/devStack.ts";
import { leftovers } from "../../support/leftovers.ts";
import { platform, platformUp } from "../../support/platform.ts";
import { checkout, root } from "../../support/checkout.ts";

describe("`npm start`, the tests, and `npm run down`", function () {
  this.timeout(30 * 60_000);
  const { project, remove } = checkout();
  const git = (...args: string[]) => execa("git", args, { cwd: project });
  /** Runs a command as a person types it in that checkout, without the environment of the tests. */
  const typed = async (...args: string[]) => {
    const env = { JOB_WQ_2_STATE: undefined, TEST_FULL: undefined, TEST_OUTCOME: undefined };
    const { exitCode, all } = await execa("npm", args, { cwd: project, env, all: true, reject: false });
    assert.equal(exitCode, 0, all);
    return all;
  };

  before(async function () {
    await platformUp();
    // A stack of the machine's user stays.
    if (await exists(devStack())) this.skip();
    cpSync(join(root, "test"), join(project, "test"), { recursive: true });
    await git("init", "-q");
    await git("add", "-A");
  });
  after(async () => {
    await platform("up");
    remove();
  });

  it("know nothing of each other, and leave the checkout as it was", async () => {
    assert.match(await typed("start"), /^9 of 9 items done, 0 failed$/m);
    await typed("test", "--", "integration/cli/wq");
    assert.match(await typed("start"), /^Nothing had changed: nothing was built, pushed or run\.$/m);
    await typed("run", "down");
    assert.deepEqual(await leftovers(), []);
    await typed("test", "--", "e2e/local/plugins");
    assert.equal((await git("diff", "--stat")).stdout, "");
    assert.equal((await git("ls-files", "--others", "--exclude-standard")).stdout, "");
  });
});
