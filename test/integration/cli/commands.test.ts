import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { Consumer, Seeder } from "../../../queue/index.ts";
import { cli, fruits, ndjson, runFruits, script } from "../../support/fruits.ts";
import { quick } from "../../support/consuming.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

const commands = ["status", "results", "failed", "retry", "logs", "pause", "resume", "scale", "report"];

describe("the commands on a Redis", function () {
  this.timeout(60_000);
  let redis: TestRedis;
  let empty: TestRedis;
  /** Runs one; what it says, and how it ends. */
  const run = async (name: string, ...args: string[]) => {
    const { stdout, stderr, exitCode } = await cli(name, redis.url, ...args);
    return { out: stdout, err: stderr, code: exitCode };
  };

  before(async () => {
    [redis, empty] = await Promise.all([startRedis(), startRedis()]);
    await runFruits(redis.url);
  });
  after(() => Promise.all([redis?.stop(), empty?.stop()]));

  it("status says how it ended, without a bar or a colour in a pipe", async () => {
    const { out, code } = await run("status");
    assert.equal(code, 1);
    assert.match(
      out,
      /^job2 {2}finished in \S+, 2 items failed\n9 of 9 items 100 %\ndone 7 {3}running 0 {3}waiting 0 {3}retrying 0 {3}failed 2\n2 attempts failed and retried$/,
    );
  });

  it("status --json is a line for programs", async () => {
    const { out, code } = await run("status", "--json");
    const { state, owner, total, done, dead, rate, left, workers } = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual(
      { code, state, owner, total, done, dead, rate, left, workers },
      {
        ...{ code: 1, state: "finished", owner: "fruit/dev", total: 9, done: 7, dead: 2 },
        ...{ rate: null, left: null, workers: [] },
      },
    );
  });

  it("results are in the order given, failed ones included", async () => {
    const { out, code } = await run("results");
    const rows = ndjson(out);
    assert.equal(code, 0);
    assert.deepEqual(
      rows.map(({ id, item, outcome, result, attempts, pod, reason }) => [
        ...[id, item, outcome, result, attempts, pod, reason],
      ]),
      fruits.map((item, i) => {
        const reason = { banana: "slipped on banana", fig: "fig is not ripe" }[item] ?? null;
        const result = reason ? null : { length: item.length };
        return [i + 1, item, reason ? "dead" : "done", result, /fig|date/.test(item) ? 2 : 1, "pod-1", reason];
      }),
    );
    for (const { start, end, duration } of rows) {
      assert.equal(Date.parse(end!) - Date.parse(start!), duration);
    }
  });

  it("results as CSV are one line each, quoted where they must be", async () => {
    const { out } = await run("results", "--csv");
    const lines = out.split("\n");
    assert.equal(lines.length, 10);
    assert.equal(lines[0], "id,item,outcome,result,attempts,pod,start,end,duration,reason");
    assert.match(lines[1]!, /^1,apple,done,"\{""length"":5\}",1,pod-1,[-\d]+T[:.\d]+Z,[-\d]+T[:.\d]+Z,\d+,$/);
    assert.match(lines[2]!, /^2,banana,dead,,1,pod-1,.*,slipped on banana$/);
    assert.equal((await run("results", "-f", "csv")).out, out);
  });

  it("failed groups by reason", async () => {
    const { out, code } = await run("failed");
    assert.equal(code, 1);
    assert.equal(
      out,
      [
        "1 item: slipped on …",
        "  e.g. banana, 1 attempt, last in pod pod-1",
        "1 item: … is not ripe",
        "  e.g. fig, 2 attempts, last in pod pod-1",
        "One item's log: npm run logs -- ITEM. Again: npm run retry.",
      ].join("\n"),
    );
    const groups = (await run("failed", "--json")).out
      .split("\n")
      .map((line) => JSON.parse(line) as { reason: string; count: number; example: { item: string } });
    assert.deepEqual(
      groups.map(({ reason, count, example }) => [reason, count, example.item]),
      [
        ["slipped on …", 1, "banana"],
        ["… is not ripe", 1, "fig"],
      ],
    );
  });

  it("logs show one item's, by its text or its number", async () => {
    const banana = await run("logs", "banana");
    assert.equal(banana.code, 0);
    assert.match(
      banana.out,
      /^== banana \(2\): dead after 1 attempt: slipped on banana\n {4}at handler [^]*\nsaw banana$/,
    );
    assert.deepEqual(await run("logs", "--id", "2"), banana);
    const apple = await run("logs", "apple");
    assert.deepEqual(
      [apple.code, apple.out],
      [1, "== apple (1): done after 1 attempt\n(no log kept: set keepLogs to all for items that are done)"],
    );
  });

  it("pause and resume have nothing to do once it is over", async () => {
    assert.match((await run("pause")).out, /^Nothing to pause: finished in \S+, 2 items failed\.$/);
    assert.match((await run("resume")).out, /^Nothing to resume: finished/);
    assert.equal((await run("status")).code, 1);
  });

  it("while it runs: status is 2, pause lets the items in hand finish, results has what is settled", async () => {
    const queue = "running";
    const at = ["--queue", queue];
    await new Seeder({ url: redis.url, queue }).seed(["a", "b", "c", "d"], { owner: "a/b", run: "1", seedId: "1" });
    let go = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const taken: string[] = [];
    const consumer = new Consumer({
      ...{ ...quick(redis.url), queue, concurrency: 2 },
      handler: async (item) => {
        taken.push(item);
        if (item !== "a") await gate;
      },
    });
    const ended = consumer.run();
    while (taken.length < 3) await sleep(10);

    const { out, code } = await run("status", ...at);
    assert.equal(code, 2);
    assert.match(out, /^running {2}running for /);
    assert.match(out, /\npod-1 +node-1 +[01] +- +\S+ ago +\S+ +[bc] \+1\n/);
    assert.match((await run("pause", ...at)).out, /^Paused: 2 items in hand will finish, 1 item wait/);
    go();
    while ((JSON.parse((await run("status", "--json", ...at)).out) as { running: number }).running) await sleep(50);
    assert.deepEqual(taken, ["a", "b", "c"]);
    assert.match((await run("status", ...at)).out, /^running {2}paused: nothing new starts\n3 of 4 items 75 %\n/);
    assert.equal(ndjson((await run("results", ...at)).out).length, 3);
    assert.equal((await run("resume", ...at)).out, "Resumed: 1 item left to start.");
    assert.equal(await ended, "finished");
    assert.deepEqual(taken, ["a", "b", "c", "d"]);
    assert.equal((await run("status", ...at)).code, 0);
    assert.deepEqual(await run("failed", ...at), { out: "Nothing failed.", err: "", code: 0 });
  });

  it("a queue that holds nothing yet is waited for by status, and an error to the others", async () => {
    const at = ["--redis", empty.url];
    const status = await run("status", ...at);
    assert.deepEqual([status.code, status.out.split("\n")[0]], [2, "job2  nothing in it yet"]);
    for (const name of ["results", "failed", "report"]) {
      assert.deepEqual(await run(name, ...at), {
        ...{ out: "", code: 3, err: `${name}: nothing was seeded into or taken from the queue job2 yet` },
      });
    }
    for (const name of ["pause", "resume"]) {
      const err = `${name}: Nothing was ever seeded into or taken from the queue job2: run \`pulumi up\` first.`;
      assert.deepEqual(await run(name, ...at), { out: "", err, code: 3 });
    }
  });

  const refused: [args: string[], line: string][] = [
    [["logs", "kiwi"], "logs: no such item was given to a worker yet: kiwi"],
    [["logs", "--id", "99"], "logs: no such item was given to a worker yet: 99"],
    [["logs"], "logs: say which item: its text, or --id NUMBER"],
    [
      ["logs", "--id", "x"],
      "logs: option '--id <number>' argument 'x' is invalid. Expected its number in `results`; see --help",
    ],
    [["status", "--wach"], "status: unknown option '--wach' (Did you mean --watch?); see --help"],
    [["status", "now"], "status: too many arguments. Expected 0 arguments but got 1: now; see --help"],
    [
      ["results", "-f", "xml"],
      "results: option '-f, --format <format>' argument 'xml' is invalid. Allowed choices are ndjson, csv; see --help",
    ],
    [["scale"], "scale: missing required argument 'pods'; see --help"],
    [
      ["scale", "0"],
      "scale: command-argument value '0' is invalid for argument 'pods'. Expected an integer from 1 up; to stop for a while: npm run pause; see --help",
    ],
    [
      ["report", "-o", "/nowhere/r.html"],
      "report: cannot write /nowhere/r.html: ENOENT: no such file or directory, open '/nowhere/r.html'; give another with --output FILE",
    ],
    [
      ["status", "--redis", "redis://127.0.0.1:1"],
      "status: No connection to Redis at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; check that it runs and can be reached from here.",
    ],
  ];
  for (const [args, line] of refused) {
    it(`${args.join(" ")}: one line, and 3`, async () => {
      const { out, err, code } = await run(...(args as [string]));
      assert.deepEqual({ out, err: err.replace(/\.\d+\.half/, ""), code }, { out: "", err: line, code: 3 });
    });
  }

  it("without a stack or a Redis, one line says what to do", async () => {
    const none = mkdtempSync(join(tmpdir(), "job-wq-2-none-"));
    for (const name of commands.filter((name) => name !== "logs" && name !== "scale")) {
      const env = { PULUMI_BACKEND_URL: `file://${none}`, PATH: none };
      const how = { env, extendEnv: false, reject: false };
      const { stdout, stderr, exitCode } = await execa(process.execPath, [script(name)], how);
      assert.deepEqual([stdout, exitCode], ["", 3]);
      assert.equal(stderr, `${name}: pulumi is not on PATH; install it, or run \`npm start\` first`);
    }
    assert.deepEqual(readdirSync(none), []);
    rmSync(none, { recursive: true });
  });

  for (const name of commands) {
    it(`${name} --help has examples and every exit code`, async () => {
      const { out, err, code } = await run(name, "--help");
      assert.deepEqual([err, code], ["", 0]);
      assert.match(out, new RegExp(`^Usage: npm run ${name} -- \\[options\\]`));
      assert.match(out, new RegExp(`\nExamples:\n  npm run (-s )?${name}\\b`));
      assert.match(
        out,
        /\nExit codes:\n {2}0 {2}\S[^]*\n {2}3 {2}could not be told or done; one line on stderr says why$/,
      );
    });
  }
});
