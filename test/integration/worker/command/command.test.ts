import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { DoNotRetry, type ItemContext } from "../../../../queue/index.ts";
import { commandHandler } from "../../../../worker/command/command.ts";

describe("commandHandler", () => {
  const { TMPDIR } = process.env;
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-command-"));
  before(() => (process.env.TMPDIR = dir));
  after(() => {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    rmSync(dir, { recursive: true });
  });

  const run = (
    script: string,
    { item = Buffer.from("an item"), maxResultBytes = 65_536, log = [] as string[] } = {},
  ) => {
    const context: ItemContext = {
      id: 7,
      attempt: 2,
      signal: new AbortController().signal,
      bytes: item,
      log: (line) => log.push(line),
      progress: () => {},
    };
    return commandHandler(["sh", "-c", script], maxResultBytes)(item.toString(), context) as Promise<unknown>;
  };

  it("returns JSON as its value, and anything else as text", async () => {
    assert.deepEqual(await run(`printf '{"a": [1, "x"]}\\n'`), { a: [1, "x"] });
    assert.equal(await run("echo $ITEM_ID"), 7);
    assert.equal(await run("echo an apple"), "an apple");
    assert.equal(await run("true"), undefined);
  });

  it("gives the item's bytes as they are", async () => {
    const item = Buffer.from("caf\xe9\0\n", "latin1");
    assert.equal(await run("od -An -tx1 | tr -d ' \\n'; printf ' %s' ${ITEM-none}", { item }), "636166e9000a none");
  });

  it("has streams that a program can open by their names", async () => {
    const log: string[] = [];
    assert.equal(
      await run("cat /dev/stdin; echo ' again' > /dev/stdout; echo heard | tee /dev/stderr", { log }),
      "an item\n again\nheard",
    );
    assert.deepEqual(log, ["heard"]);
    assert.equal(await run("rm -r $TMPDIR/*; cat"), "an item");
    assert.equal(await run("cat; echo end"), "an item\nend");
  });

  it("logs the output of a failed program; its last line is the reason if standard error is empty", async () => {
    const log: string[] = [];
    await assert.rejects(run("echo starting; echo no peel; exit 1", { log }), {
      message: "sh exited with code 1: no peel",
    });
    assert.deepEqual(log, ["starting", "no peel"]);
    await assert.rejects(run("echo no peel; echo why >&2; exit 1"), { message: "sh exited with code 1: why" });
  });

  it("puts the item into the arguments, and text only", async () => {
    const print = commandHandler(["printf", "%s|%s", "{/.}", "n{#}"], 1000);
    const context = { id: 7, attempt: 1, signal: new AbortController().signal, log: () => {}, progress: () => {} };
    assert.equal(await print("a/b c.txt", { ...context, bytes: Buffer.from("a/b c.txt") }), "b c|n7");
    const bytes = Buffer.from([0xff]);
    await assert.rejects(async () => print(bytes.toString(), { ...context, bytes }), {
      name: "DoNotRetry",
      message: "its bytes are not text, and an argument cannot hold them: read standard input",
    });
    const shell = ["sh", "-c", 'n=b; tr "\\377" "a"; printf %s "${n} $1"', "sh", "{#}"];
    assert.equal(await commandHandler(shell, 1000)(bytes.toString(), { ...context, bytes }), "ab 7");
  });

  it("says where to read an item that is too long for an argument", async () => {
    const item = "x".repeat(200_000);
    const context = { id: 1, attempt: 1, signal: new AbortController().signal, log: () => {}, progress: () => {} };
    await assert.rejects(
      async () => commandHandler(["echo", "{}"], 1000)(item, { ...context, bytes: Buffer.from(item) }),
      {
        name: "DoNotRetry",
        message: "it is too long for an argument (128 KiB): read standard input",
      },
    );
  });

  it("returns as text the beginning of JSON that is too long", async () => {
    const result = (await run(`printf '["'; head -c 200000 /dev/zero | tr '\\0' x; printf '"]'`)) as string;
    assert.equal(typeof result, "string");
    assert.equal(result.startsWith('["xxx'), true);
    assert.equal(result.length > 65_536 && result.length < 200_000, true);
  });

  it("reads 40 MB in the time it takes to read them", async () => {
    const result = (await run("head -c 40000000 /dev/zero | tr '\\0' x", { maxResultBytes: 50_000_000 })) as string;
    assert.equal(result.length, 40_000_000);
  });

  it("returns all that was written at the end, a hundred times", async () => {
    for (let time = 0; time < 100; time++) {
      const length = (await run("head -c 60000 /dev/zero | tr '\\0' x")) as string;
      assert.equal(length.length, 60_000);
    }
  });

  it("ends a process that left its group and holds its pipes", async () => {
    const log: string[] = [];
    // It has left the group before the program ends, since the end of the program ends its group.
    const leave = `setsid sh -c 'echo $$ > "$0"; exec sleep 300' "$mark" & until [ -s "$mark" ]; do sleep 0.05; done`;
    const script = `printf 'no end of line' >&2; mark=$(mktemp -u); ${leave}; cat "$mark"; rm "$mark"`;
    const left = (await run(script, { log })) as number;
    const state = async () => (await execa("ps", ["-o", "stat=", "-p", String(left)], { reject: false })).stdout;
    for (let look = 0; /^[^Z]/.test(await state()); look++) assert.ok(look < 500, "it runs still");
    assert.deepEqual(log, ["no end of line"]);
  });

  it("tells how a program ended, with the last line of its log", async () => {
    await assert.rejects(run("echo why >&2; echo >&2; exit 3"), { message: "sh exited with code 3: why" });
    await assert.rejects(run("kill -9 $$"), {
      message: "sh was ended by SIGKILL, perhaps out of memory",
    });
    await assert.rejects(run("sh -c 'kill -9 $$'; exit $?"), {
      message: "sh exited with code 137 (SIGKILL, perhaps out of memory): Killed",
    });
    await assert.rejects(run("exit 139"), { message: "sh exited with code 139 (SIGSEGV)" });
    await assert.rejects(run("exit 255"), { message: "sh exited with code 255" });
    await assert.rejects(run("node -e 'throw new TypeError(`no peel`)'; exit 1"), {
      message: "sh exited with code 1: TypeError: no peel",
    });
    await assert.rejects(run("exit 75"), { name: "TryLater", delayMs: 60_000 });
    await assert.rejects(run("exit 65"), (error) => error instanceof DoNotRetry);
  });
});
