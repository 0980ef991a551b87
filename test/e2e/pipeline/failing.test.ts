// Items that fail, and ways to repair that. Each test goes on from the one before.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isFull } from "../../support/full.ts";
import { checkout } from "../../support/checkout.ts";
import { onPlatform } from "../../support/platform.ts";
import { fruits, TestStack } from "../../support/stack.ts";

describe("failing items", () => {
  const { project, remove } = checkout();
  const stack = new TestStack({ maxAttempts: 1 }, { project });
  const handler = join(project, "worker/handler.ts");
  const shipped = readFileSync(handler, "utf8");
  const failingOn = (item: string) =>
    shipped.replace("{ signal }: ItemContext) {", `$&\n  if (item === "${item}") throw new Error("no ${item} today");`);

  /** Beside the program, as a user's. */
  const file = join(project, `Pulumi.${stack.name}.yaml`);

  onPlatform(async () => {
    await stack.init();
    writeFileSync(file, stack.settingsFile);
  });
  after(async () => {
    await stack.remove();
    remove();
  });

  it("fail `up`, which names them and says what to run", async () => {
    writeFileSync(handler, failingOn("banana"));
    const { ok, text } = await stack.up();
    assert.ok(!ok);
    assert.match(text, /1 of 9 items failed: banana \(why: npx --no wq failed; again: npx --no wq retry\)/);
    assert.deepEqual(await stack.items(), fruits);
  });

  it("stay failed while nothing changes, and run nothing again", async () => {
    const before = await stack.worked();
    const { ok, text } = await stack.up();
    assert.ok(!ok);
    assert.match(text, /1 of 9 items failed: banana/);
    assert.deepEqual(await stack.worked(), before);
  });

  it("run again, alone, when `retry` changes", async () => {
    stack.set({ retry: "1" });
    assert.match((await stack.preview()).text, /items: 0 new, 0 removed, 8 done, 1 to be retried/);
    const { ok } = await stack.up();
    assert.ok(!ok);
    assert.deepEqual(await stack.items(), ["banana"]);
  });

  it("pass with `allowFailures`, whose verdict still says it", async () => {
    await stack.mustUp({ allowFailures: true });
    assert.match(await stack.verdict(), /1 of 9 items failed: banana/);
    stack.set({ allowFailures: undefined });
  });

  it("run again, alone, when the handler is fixed", async () => {
    writeFileSync(handler, shipped.replace("{ signal }: ItemContext) {", '$&\n  console.log("the edit:", item);'));
    assert.match((await stack.preview()).text, /items: 0 new, 0 removed, 8 done, 1 to be retried/);
    await stack.mustUp();
    assert.deepEqual(await stack.items(), ["banana"]);
    assert.match(await stack.kubectl("logs", "-l", "job-name=job-wq-2", "--tail=-1"), /the edit: banana/);
  });

  it("refuse an image, before anything is pushed, whose handler does not compile or is none", async () => {
    writeFileSync(handler, "export default function (");
    const broken = await stack.up();
    assert.ok(!broken.ok);
    assert.match(broken.text, /^\s*error: The handler cannot be bundled: worker\/handler.ts:1: /m);
    writeFileSync(handler, "export const handle = 1;");
    const none = await stack.up();
    assert.match(
      none.text,
      /^\s*error: worker\/handler.ts exports nothing callable: it needs `export default async function/m,
    );
    assert.match(none.text, /0 changes|\d+ unchanged|Resources:\n\s*$|Update failed|error/);
    writeFileSync(handler, shipped);
  });

  it("are an error of `up`, in seconds, if the handler does not load in the image", async () => {
    writeFileSync(handler, `throw new Error("no such token");\n${shipped}`);
    const { ok, text } = await stack.up({ run: "2" });
    assert.ok(!ok);
    assert.match(text, /the batch was aborted: worker\/handler.ts does not load: Error: no such token/);
  });

  it("differ from workers that end before their first item: `up` and `wq status` say how, while they wait", async () => {
    writeFileSync(handler, shipped);
    stack.set({ run: "3", resources: { limits: { memory: "24Mi" } } });
    const up = stack.start("up", "--yes", "--skip-preview");
    const line = /Pod job-wq-2-\S+ keeps ending, .+: /;
    let said = "";
    await new Promise<void>((resolve, reject) => {
      up.all.on("data", (data: Buffer) => line.test((said += String(data))) && resolve());
      void up.then(() => reject(new Error(said)));
    });
    let status = "";
    while (!line.test(status)) ({ out: status } = await stack.wq("status"));
    up.kill("SIGINT");
    await up;
    await stack.mustUp({ resources: undefined });
    assert.deepEqual(await stack.items(), fruits);
  });

  it("cannot control a terminal, neither through `up` nor through `kubectl logs`", async () => {
    writeFileSync(handler, shipped);
    // The last marks would end Pulumi's command line, if they reached it.
    const hostile = "a\u001b]0;owned\u0007\u001b[2J\u009b5m\u202eb\u200bc%}><{%x%}>";
    writeFileSync(join(project, "hostile.txt"), `${hostile}\n${"fig\n".repeat(400)}`);
    const command = ["sh", "-c", `case $ITEM in fig) ;; *) cat >&2; exit 65; esac`];
    const { ok, text } = await stack.up({ items: undefined, itemsFile: "hostile.txt", command });
    assert.ok(!ok);
    assert.match(text, /1 of 409 items failed: a\\u001b\]0;owned\\u0007\\u001b\[2J.*c%\\u007d><\\u007b%x%\\u007d>/);
    const log = await stack.kubectl("logs", "-l", "job-name=job-wq-2", "--tail=-1");
    assert.match(log, /^Failed on a\\u001b/m);
    for (const said of [text, log]) assert.doesNotMatch(said, /(?![\r\n\t])[\p{Cc}\p{Cf}]/u);
  });

  it("are not touched by a stack of the same name that has a state of its own", async () => {
    writeFileSync(file, stack.settingsFile.replace(/(encryptionsalt: )(.*)/, "$1v1:of:another"));
    const owner = `job-wq-2/${stack.name}`;
    const { ok, text } = await stack.up();
    assert.ok(!ok);
    const line = `error: Redis redis: Namespace ${stack.namespace} exists, and is of another stack ${owner}: leave out`;
    assert.ok(text.includes(line), text);
    // One whose passphrase was changed says so.
    stack.set({ owner });
    const preview = await stack.preview();
    assert.ok(preview.ok, preview.text);
    stack.set({ owner: undefined });
    writeFileSync(file, stack.settingsFile);
  });

  const overdue = async () => {
    const { ok, text } = await stack.up({
      itemsFile: undefined,
      items: ["fig"],
      command: ["sleep", "600"],
      activeDeadline: "1m",
      run: "4",
    });
    assert.ok(!ok);
    assert.match(text, /error: the workers reached activeDeadline \(1m\) with 0 of 1 items done: `pulumi up` goes on/);
    await stack.mustUp({ command: ["true"], activeDeadline: undefined });
    assert.deepEqual(await stack.items(), ["fig"]);
  };
  // The shortest deadline is a minute.
  if (isFull) it("are not the end if there is a deadline: `up` says so, and goes on", overdue);
});
