// A user's handler.ts, as it stands, and bundled as in the image.
import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { stageWorker } from "../../../components/image/buildContext.ts";
import { connect } from "../../../queue/index.ts";
import { Peer } from "../../support/peer.ts";
import { startRedis } from "../../support/redis.ts";
import { programEnvironment } from "../../support/programEnvironment.ts";

const root = join(import.meta.dirname, "..", "..", "..");

describe("a handler", () => {
  // A copy of the project with another handler.
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-handler-"));
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let queue = 0;
  before(async () => {
    for (const folder of ["bundle", "config", "kube", "queue", "worker", "seed", "supervisor", "cli"])
      cpSync(join(root, folder), join(dir, folder), { recursive: true });
    cpSync(join(root, "package.json"), join(dir, "package.json"));
    symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
    redis = await startRedis();
  });
  after(async () => {
    await redis.stop();
    rmSync(dir, { recursive: true });
  });
  beforeEach(() => queue++);

  const run = (script: string, env: Record<string, unknown> = {}, ...args: string[]) =>
    execa(process.execPath, [resolve(dir, script), ...args], {
      env: programEnvironment({
        WQ_REDIS_URL: redis.url,
        queue: `q${queue}`,
        workSeconds: "0",
        backoff: "10ms..5m",
        activeDeadline: "1h",
        ...env,
      }),
      reject: false,
      all: true,
    });
  const bundle = () => {
    const staged = stageWorker(`handler-test-${process.pid}`, {
      handler: join(dir, "worker/handler.ts"),
      files: undefined,
    });
    return resolve(staged, "code/bin/worker.js");
  };
  const seed = () => run("seed/main.ts", { items: { range: "1..2" }, WQ_JOB_UID: "1" });
  /** Neither gone nor a zombie. */
  const isLeft = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
    } catch {
      return false;
    }
  };
  const handler = (text: string) => writeFileSync(join(dir, "worker/handler.ts"), text);

  const unloadable: [title: string, text: string, reason: string][] = [
    [
      "that throws while it loads",
      'export default () => 1; throw new Error("no model file\\nand more");',
      "worker/handler.ts does not load: Error: no model file",
    ],
    [
      "that waits in vain while it loads",
      'await Promise.reject(new Error("no licence")); export default () => 1;',
      "worker/handler.ts does not load: Error: no licence",
    ],
    [
      "that is none",
      "export default 3;",
      "worker/handler.ts exports nothing callable: it needs `export default async function handle(item, context)`",
    ],
    [
      "that throws nothing worth the name while it loads",
      "export default () => 1; throw undefined;",
      "worker/handler.ts does not load: undefined",
    ],
  ];
  for (const [title, text, reason] of unloadable) {
    for (const bundled of [false, true]) {
      it(`${title} aborts the batch with the reason${bundled ? ", bundled" : ""}`, async () => {
        handler(text);
        const script = bundled ? bundle() : "worker/main.ts";
        await seed();
        const worked = await run(script, { lease: "2s" });
        assert.deepEqual([worked.exitCode, worked.all], [0, `${reason}\nNothing to do here, exiting`]);
        const verdict = await run("supervisor/main.ts");
        assert.deepEqual(
          [verdict.exitCode, verdict.all],
          [90, `the batch was aborted: ${reason}; 0 of 2 done (again: npx --no wq retry)`],
        );
        // After the handler is corrected, the next seeding reopens the batch.
        handler("export default (item) => item;");
        await run("seed/main.ts", { items: { range: "1..2" }, WQ_JOB_UID: "2" });
        assert.equal((await run("worker/main.ts")).exitCode, 0);
        assert.equal((await run("supervisor/main.ts")).all.split("\n").at(-1), "all 2 items done");
      });
    }
  }

  it("that does not load in the first pod leaves the batch to pods that start later", async () => {
    handler(
      'if (process.env.SICK) throw new Error("no disk"); export default (item) => new Promise((done) => setTimeout(done, 500));',
    );
    await seed();
    const sick = run("worker/main.ts", { SICK: "1" });
    await new Promise((resolve) => sick.all.once("data", resolve));
    assert.equal((await run("worker/main.ts")).exitCode, 0);
    const { exitCode, all } = await sick;
    assert.ok(exitCode === 65 || exitCode === 0, all); // 0: this pod saw only the end of the batch
    assert.equal(all.split("\n")[0], "worker/handler.ts does not load: Error: no disk");
    assert.equal((await run("supervisor/main.ts")).all.split("\n").at(-1), "all 2 items done");
  });

  it("that does not load aborts the batch, even if a worker vanished before with an item in flight", async () => {
    handler('throw new Error("no disk");');
    await seed();
    const connection = await connect(redis.url);
    await new Peer(connection, { queue: `q${queue}` }).reserve();
    connection.disconnect();
    const { exitCode, all } = await run("worker/main.ts", { lease: "2s" });
    assert.deepEqual([exitCode, all.split("\n").at(-1)], [0, "Nothing to do here, exiting"]);
  });

  it("that is still loading, or does not load, ends at once with SIGTERM", async () => {
    for (const text of [
      "console.log(process.pid); await new Promise(() => setInterval(() => {}, 1000));",
      "throw 1;",
    ]) {
      handler(`${text} export default (item) => item;`);
      await seed();
      const worker = run("worker/main.ts");
      const line = await new Promise<string>((resolve) => worker.all.once("data", (data) => resolve(String(data))));
      worker.kill("SIGTERM");
      assert.equal((await worker).exitCode, 143);
      while (Number(line) && isLeft(Number(line))) await sleep(10);
    }
  });

  it("that ends the process itself fails its own items, and ends neither worker nor batch", async () => {
    handler("export default (item) => item === '1' ? process.exit(0) : item;");
    await seed();
    const worked = await run("worker/main.ts", { maxAttempts: "2" });
    assert.equal(worked.exitCode, 0, worked.all);
    const { all } = await run("supervisor/main.ts");
    assert.equal(all, "1 of 2 items failed: 1 (why: npx --no wq failed; again: npx --no wq retry)");
    const { stdout } = await run("cli/main.ts", {}, "failed", "--json", "--redis", redis.url, "--queue", `q${queue}`);
    assert.match(stdout, /the handler called process\.exit\(0\)/);
  });

  it("reads the results of another batch on the same Redis", async () => {
    handler(
      `import { resultsOf } from ${JSON.stringify(join(root, "queue/index.ts"))};
       export default async (queue) => { for await (const { item } of resultsOf(queue)) return item; return "none"; };`,
    );
    await seed();
    const worked = await run("worker/main.ts");
    assert.equal(worked.exitCode, 0, worked.all);
    const { stdout } = await run("cli/main.ts", {}, "results", "--redis", redis.url, "--queue", `q${queue}`);
    assert.deepEqual(stdout.match(/"result":"none"/g)?.length, 2, stdout);
  });

  it("that prints by `console` prints to its items' logs, and to the pod's", async () => {
    handler(
      'const { log } = console; export default async (item) => { log("saw %s", item); await 0; console.error("and", { item }); throw new Error("no"); };',
    );
    await seed();
    const { all } = await run("worker/main.ts", { concurrency: "2", maxAttempts: "1" });
    for (const item of ["1", "2"]) {
      const { stdout } = await run("cli/main.ts", {}, "logs", item, "--redis", redis.url, "--queue", `q${queue}`);
      const lines = `saw ${item}\nand { item: '${item}' }`;
      assert.ok(stdout.includes(lines), stdout);
      for (const line of lines.split("\n")) assert.ok(all.includes(line), all);
    }
  });

  describe("tried on one item", () => {
    const attempt = (...args: string[]) => run("cli/main.ts", {}, "try", ...args);

    it("prints its log and its result", async () => {
      handler(
        "export default (item, { id, attempt, bytes, log }) => { log('hm'); return { item, id, attempt, n: bytes.length }; };",
      );
      const { exitCode, all } = await attempt("ü");
      assert.equal(all, 'Working on ü\nhm\nDone: {"item":"ü","id":1,"attempt":1,"n":2}');
      assert.equal(exitCode, 0);
    });
    it("says why it failed, and whether it would be tried again", async () => {
      handler(
        'import { DoNotRetry } from "../queue/index.ts"; export default (i) => { throw i === "a" ? new DoNotRetry("no") : new Error("later"); };',
      );
      const [a, b] = [await attempt("a"), await attempt("b")];
      for (const [{ exitCode, stderr }, words] of [
        [a, "not to be retried: no"],
        [b, "later"],
      ] as const) {
        const [first, ...stack] = stderr.split("\n");
        assert.deepEqual([exitCode, first], [1, `Failed: ${words}`]);
        assert.match(stack.join("\n"), /^ {4}at .*handler\.ts:\d+:\d+\)?$/);
      }
    });
    it("ends at its time limit, also one that does not listen, and leaves nothing open", async () => {
      handler("export default () => new Promise(() => setInterval(() => {}, 1000));");
      const { exitCode, stderr } = await attempt("a", "--timeout", "0.2");
      assert.deepEqual([exitCode, stderr], [1, "Failed: The time limit of 0.2 s is over"]);
    });
    it("ends a handler that is still loading, with all that it started, at Ctrl-C", async () => {
      handler(
        "console.log(process.pid); await new Promise(() => setInterval(() => {}, 1000)); export default () => 1;",
      );
      const trying = attempt("a");
      const line = await new Promise<string>((resolve) => trying.stdout.once("data", (data) => resolve(String(data))));
      trying.kill("SIGINT");
      const { exitCode, stderr } = await trying;
      assert.deepEqual([exitCode, stderr], [3, "wq try: Interrupted"]);
      assert.ok(!isLeft(Number(line)));
    });
    it("may be a command with any arguments", async () => {
      const { exitCode, all } = await attempt("a b", "--", "sh", "-c", 'echo heard >&2; printf "%s" "$ITEM"', "--help");
      assert.equal(all, 'Working on a b\nheard\nDone: "a b"');
      assert.equal(exitCode, 0);
    });
    it("is refused in one line if it does not load, or is no command", async () => {
      handler("export default 3;");
      const none = await attempt("a");
      assert.deepEqual([none.exitCode, none.all.split("\n").length], [3, 1]);
      const away = await attempt("a", "--", "no-such-program");
      assert.equal(away.exitCode, 3);
      assert.match(away.all, /^wq try: the command no-such-program is not /);
      assert.match((await attempt()).all, /^wq try: missing required argument 'item'; see npx --no wq try --help$/);
    });
  });
});
