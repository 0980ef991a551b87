import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, Consumer, DoNotRetry, type Handler, QueueAdmin, Seeder } from "../../../queue/index.ts";
import { fruits, ndjson, runFruits, wq } from "../../support/fruits.ts";
import { quick } from "../../support/consuming.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";

describe("wq on a Redis", () => {
  let redis: TestRedis;
  let empty: TestRedis;
  /** Runs a verb: what it prints, and how it ends. */
  const run = async (...args: string[]) => {
    const { stdout, stderr, exitCode } = await wq(redis.url, ...args);
    return { out: stdout, err: stderr, code: exitCode };
  };

  before(async () => {
    [redis, empty] = await Promise.all([startRedis(), startRedis()]);
    await runFruits(redis.url);
  });
  after(() => Promise.all([redis?.stop(), empty?.stop()]));

  it("status says how the batch ended, in a pipe without bar and colours", async () => {
    const { out, code } = await run("status");
    assert.equal(code, 1);
    assert.match(
      out,
      /^job2 {2}finished in \S+, 2 items failed\n9 of 9 items 100 %\ndone 7 {3}running 0 {3}waiting 0 {3}retrying 0 {3}failed 2\n2 attempts failed and retried$/,
    );
  });

  it("status --json is a line for programs", async () => {
    const { out, code } = await run("status", "--json");
    const status = JSON.parse(out) as Record<string, unknown>;
    assert.equal(code, 1);
    assert.deepEqual(Object.keys(status), [
      "queue",
      "state",
      "owner",
      "total",
      "waiting",
      "running",
      "delayed",
      "suspects",
      "done",
      "failed",
      "lost",
      "retried",
      "external",
      "startedAt",
      "endedAt",
      "workersAlive",
      "nextDueAt",
      "dueSoon",
      "now",
      "rate",
      "left",
      "workers",
    ]);
    const { queue, state, owner, total, done, failed, rate, left, workers } = status;
    assert.deepEqual([queue, state, owner, total, done, failed], ["job2", "finished", "fruit/dev", 9, 7, 2]);
    assert.deepEqual([rate, left, workers], [null, null, []]);
  });

  it("results are in the order of ids, failed ones included", async () => {
    const { out, code } = await run("results");
    const rows = ndjson(out);
    assert.equal(code, 0);
    assert.deepEqual(
      rows.map(({ start: _start, end: _end, duration: _duration, ...row }) => Object.values(row)),
      fruits.map((item, i) => {
        const reason = { banana: "slipped on banana", fig: "fig is not ripe" }[item] ?? null;
        const result = reason ? null : { length: item.length };
        return [i + 1, item, reason ? "failed" : "done", result, /fig|date/.test(item) ? 2 : 1, "pod-1", reason];
      }),
    );
    for (const { start, end, duration } of rows) {
      assert.equal(Date.parse(end!) - Date.parse(start!), duration);
    }
  });

  it("results as CSV are one line each, quoted if they must be", async () => {
    const { out } = await run("results", "--csv");
    const lines = out.split("\n");
    assert.equal(lines.length, 10);
    assert.equal(lines[0], "id,item,outcome,result,attempts,pod,start,end,duration,reason");
    assert.match(lines[1]!, /^1,apple,done,"\{""length"":5\}",1,pod-1,[-\d]+T[:.\d]+Z,[-\d]+T[:.\d]+Z,\d+,$/);
    assert.match(lines[2]!, /^2,banana,failed,,1,pod-1,.*,slipped on banana$/);
    assert.equal((await run("results", "-f", "csv")).out, out);
  });

  it("results as CSV begin no cell with a formula, and leave negative numbers alone", async () => {
    const queue = "formulas";
    const items = ['=HYPERLINK("http://x")', "@SUM(1)", "+1", "-1", "x;=1+1", 'x; "@SUM(1)', "a;b-c"];
    await new Seeder({ url: redis.url, queue }).seed(items, { owner: "a/b", run: "1", seedId: "1" });
    const handler = (item: string) => (item === "-1" ? -1 : { item });
    assert.equal(await new Consumer({ ...quick(redis.url), queue, handler }).run(), "finished");
    const lines = (await run("results", "--csv", "--queue", queue)).out.split("\n").slice(1);
    assert.deepEqual(
      lines.map((line) => line.slice(0, line.indexOf(",1,pod-1"))),
      [
        `1,"'=HYPERLINK(""http://x"")",done,"{""item"":""=HYPERLINK(\\""http://x\\"")""}"`,
        `2,'@SUM(1),done,"{""item"":""@SUM(1)""}"`,
        `3,'+1,done,"{""item"":""+1""}"`,
        "4,'-1,done,-1",
        `5,x;'=1+1,done,"{""item"":""x;'=1+1""}"`,
        `6,"x; ""'@SUM(1)",done,"{""item"":""x; \\""@SUM(1)""}"`,
        `7,a;b-c,done,"{""item"":""a;b-c""}"`,
      ],
    );
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
        "One item's log: npx --no wq logs ITEM. Again: npx --no wq retry.",
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

  it("failed has one group for a reason, whatever numbers it holds", async () => {
    const queue = "numbers";
    const items = ["97", "194", "291", "gone"];
    await new Seeder({ url: redis.url, queue }).seed(items, { owner: "a/b", run: "1", seedId: "1" });
    const handler = (item: string) => {
      throw new DoNotRetry(item === "gone" ? "HTTP 404" : `${item} is not acceptable`);
    };
    await new Consumer({ ...quick(redis.url), queue, handler }).run();
    assert.equal(
      (await run("failed", "--queue", queue)).out,
      [
        "3 items: N is not acceptable",
        "  e.g. 97, 1 attempt, last in pod pod-1: 97 is not acceptable",
        "1 item: HTTP 404",
        "  e.g. gone, 1 attempt, last in pod pod-1",
        "One item's log: npx --no wq logs ITEM. Again: npx --no wq retry.",
      ].join("\n"),
    );
  });

  it("logs show those of one item, by its text or its number", async () => {
    const banana = await run("logs", "banana");
    assert.equal(banana.code, 0);
    assert.match(
      banana.out,
      /^== banana \(2\): failed after 1 attempt: slipped on banana\n {4}at handler [^]*\nsaw banana$/,
    );
    assert.deepEqual(await run("logs", "--id", "2"), banana);
    const apple = await run("logs", "apple");
    assert.deepEqual(
      [apple.code, apple.out],
      [1, "== apple (1): done after 1 attempt\n(no log was kept: with keepLogs: all, done items keep theirs)"],
    );
    const { attempts, reason, ...json } = JSON.parse((await run("logs", "fig", "--json")).out) as {
      attempts: { outcome: string; error: string }[];
      reason: string;
    };
    assert.deepEqual(json, { id: 5, item: "fig", outcome: "failed", log: "saw fig\n" });
    assert.match(reason, /^fig is not ripe\n {4}at handler /);
    assert.deepEqual(
      attempts.map(({ outcome, error }) => [outcome, error.split("\n")[0]]),
      Array.from({ length: 2 }, () => ["failed", "fig is not ripe"]),
    );
  });

  it("logs, cancel and retry find an item that is not text by its name in results", async () => {
    const queue = "bytes";
    const at = ["--queue", queue];
    const connection = await connect(redis.url);
    await connection.rpush(queue, Buffer.from([0xff, 0xfe]), Buffer.from([0xff]), "base64:/w=");
    connection.disconnect();
    const handler: Handler = (_, { id, log }) => {
      log(`number ${id}`);
      if (id === 1) throw new DoNotRetry("bad");
      return new Promise(() => {});
    };
    const consumer = new Consumer({ ...quick(redis.url), concurrency: 2, queue, handler });
    const ended = consumer.run();
    while (ndjson((await run("results", ...at)).out).length < 1) await sleep(10);
    const { item } = ndjson((await run("results", ...at)).out)[0]!;
    assert.equal(item, "base64://4=");
    assert.match((await run("logs", item, ...at)).out, /^== .* \(1\): failed after 1 attempt: bad\n[^]*number 1$/);
    assert.match((await run("retry", "--match", "base64://", ...at)).out, /^Put 1 item back/);
    assert.equal((await run("cancel", "base64:/w==", ...at)).out, "Cancelled 1 item.");
    assert.equal((await run("cancel", "base64:/w=", ...at)).out, "Cancelled 1 item.");
    await consumer.stop(0);
    await ended;
  });

  it("logs print no escape sequence of an item", async () => {
    const queue = "hostile";
    const item = "\u001b[2Jevil";
    await new Seeder({ url: redis.url, queue }).seed([item], { owner: "a/b", run: "1", seedId: "1" });
    const handler: Handler = (_, { log }) => {
      log("\u001b[31mred\u001b[0m and \u001b]0;title\u0007");
      const error = new DoNotRetry("no\u001b[2J");
      error.stack = "DoNotRetry: no\n    at \u001b[2J";
      throw error;
    };
    await new Consumer({ ...quick(redis.url), queue, handler }).run();
    const { out } = await run("logs", item, "--queue", queue);
    assert.ok(!out.includes("\u001b") && !out.includes("\u0007"), out);
    assert.match(out, /^== \\u001b\[2Jevil \(1\): failed after 1 attempt: no/);
    assert.match(out, /\nred and \\u001b\]0;title\\u0007$/);
  });

  it("retry puts back failed items, all or those that match, if it knows only a Redis", async () => {
    const queue = "again";
    const seeder = new Seeder({ url: redis.url, queue });
    await seeder.seed(["a", "b", "c"], { owner: "a/b", run: "1", seedId: "1" });
    const handler = (item: string) => {
      throw new DoNotRetry(`no such ${item}`);
    };
    await new Consumer({ ...quick(redis.url), queue, handler }).run();
    const at = ["--queue", queue];
    assert.deepEqual(await run("retry", "--match", "such b", ...at), {
      out: "Put 1 item back: the workers that are there take them.",
      err: "",
      code: 0,
    });
    assert.equal((await run("retry", "--json", ...at)).out, '{"queue":"again","requeued":2,"succeeded":null}');
    await new Consumer({ ...quick(redis.url), queue, handler: () => 1 }).run();
    assert.equal((await run("retry", ...at)).out, "Nothing failed.");
    assert.equal((await run("retry", "--match", "x", ...at)).out, "No failed item matches x.");
  });

  it("retry and resume each reopen an aborted batch, and say what is left of it", async () => {
    const queue = "aborted";
    const at = ["--queue", queue];
    await new Seeder({ url: redis.url, queue }).seed(["a", "b"], { owner: "a/b", run: "1", seedId: "1" });
    const admin = await QueueAdmin.open(redis.url, queue);
    const outs = [];
    for (const verb of ["retry", "resume"]) {
      await admin.abort("the command pyton3 is not in the image");
      assert.equal(
        (await run("failed", ...at)).out,
        "The batch was aborted: the command pyton3 is not in the image. Again: npx --no wq retry.",
      );
      assert.equal(
        (await run("pause", ...at)).out,
        "Nothing to pause: aborted: the command pyton3 is not in the image.",
      );
      outs.push((await run(verb, ...at)).out);
      assert.equal((await admin.counts()).state, "open");
    }
    assert.deepEqual(outs, [
      "Nothing failed: the workers that are there take the 2 items left.",
      "Resumed: the workers that are there take the 2 items left.",
    ]);
    await admin.close();
  });

  it("prints the fields of JSON that SKILL.md names, and others only if it says so", async () => {
    const skill = readFileSync(join(import.meta.dirname, "../../../SKILL.md"), "utf8");
    await new Seeder({ url: redis.url, queue: "old" }).seed(["a"], { owner: "a/b", run: "1", seedId: "1" });
    const verbs: Record<string, string[]> = {
      status: ["status"],
      results: ["results"],
      failed: ["failed"],
      "logs ITEM": ["logs", "banana"],
      "retry [--match TEXT]": ["retry", "--match", "none"],
      "cancel ITEM": ["cancel", "kiwi"],
      pause: ["pause"],
      resume: ["resume"],
      list: ["list"],
      "purge QUEUE": ["purge", "old"],
      report: ["report", "-o", join(tmpdir(), `wq-report-${process.pid}.html`)],
      "try ITEM": ["try", "a", "--", "echo", "1"],
    };
    for (const [name, [verb, ...args]] of Object.entries(verbs)) {
      const row = skill.split("\n").find((line) => line.startsWith(`| \`${name}\``))!;
      const [fields] = /(?<=`\{)[^`]*(?=\}`)/.exec(row)!;
      const named = fields.replaceAll(/\[[^\]]*\]/g, "").split(/[,:] */);
      const { out } = await run(verb!, "--json", ...args);
      const keys = Object.keys(JSON.parse(out.split("\n")[0]!) as object);
      const missing = named.filter((field) => field !== "…" && !keys.includes(field));
      const more = named.includes("…") ? [] : keys.filter((key) => !named.includes(key));
      assert.deepEqual([name, missing, more], [name, [], []]);
    }
    rmSync(verbs.report![2]!);
  });

  it("pause and resume have nothing to do once it is over", async () => {
    const json = JSON.parse((await run("pause", "--json")).out) as unknown;
    assert.deepEqual(json, { queue: "job2", state: "finished", running: 0, waiting: 0, delayed: 0 });
    assert.match((await run("pause")).out, /^Nothing to pause: finished in \S+, 2 items failed\.$/);
    assert.match((await run("resume")).out, /^Nothing to resume: finished/);
    assert.equal((await run("status")).code, 1);
  });

  it("while a batch runs: status exits with 2, pause lets items in flight finish, results has settled items", async () => {
    const queue = "running";
    const at = ["--queue", queue];
    await new Seeder({ url: redis.url, queue }).seed(["a", "b", "c", "d"], { owner: "a/b", run: "1", seedId: "1" });
    let go = () => {};
    const gate = new Promise<void>((resolve) => (go = resolve));
    const taken: string[] = [];
    const consumer = new Consumer({
      ...quick(redis.url),
      queue,
      concurrency: 2,
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
    assert.match(out, /\npod-1 +node-1 +[01] +- +\S+ ago +\S+ +[bc] +\+1\n/);
    assert.match(
      (await run("pause", ...at)).out,
      /^Paused: 2 items in flight will finish, 1 item waits for `npx --no wq resume`\.$/,
    );
    go();
    while ((JSON.parse((await run("status", "--json", ...at)).out) as { running: number }).running) await sleep(50);
    assert.deepEqual(taken, ["a", "b", "c"]);
    assert.match((await run("status", ...at)).out, /^running {2}paused: nothing new starts\n3 of 4 items 75 %\n/);
    assert.equal(ndjson((await run("results", ...at)).out).length, 3);
    assert.equal((await run("resume", ...at)).out, "Resumed: the workers that are there take the 1 item left.");
    assert.equal(await ended, "finished");
    assert.deepEqual(taken, ["a", "b", "c", "d"]);
    assert.equal((await run("status", ...at)).code, 0);
    assert.deepEqual(await run("failed", ...at), { out: "Nothing failed.", err: "", code: 0 });
  });

  it("status waits for a queue with nothing in it yet; for other verbs that is an error", async () => {
    const at = ["--redis", empty.url];
    const status = await run("status", ...at);
    assert.deepEqual([status.code, status.out.split("\n")[0]], [2, "job2  nothing in it yet"]);
    for (const name of ["results", "failed", "report"]) {
      const err = `wq ${name}: nothing was seeded into or taken from the queue job2 yet`;
      assert.deepEqual(await run(name, ...at), { out: "", err, code: 3 });
    }
    for (const name of ["pause", "resume"]) {
      const err = `wq ${name}: Nothing was ever seeded into or taken from the queue job2: run \`pulumi up\` first.`;
      assert.deepEqual(await run(name, ...at), { out: "", err, code: 3 });
    }
  });

  it("run leaves options after the program to the program, as GNU parallel does", async () => {
    const { out, err, code } = await run(
      "run",
      "--dry-run",
      "-j3",
      "grep",
      "-n",
      "--files",
      "-V",
      "--",
      "x",
      "{2}{1}",
      ":::",
      "a",
      "-b",
      ":::",
      "--help",
    );
    assert.deepEqual(
      [out.split("\n"), err, code],
      [["grep -n --files -V -- x --helpa", "grep -n --files -V -- x --help-b"], "", 0],
    );
  });

  const refused: [args: string[], line: string][] = [
    [["logs", "kiwi"], "wq logs: no such item was given to a worker yet: kiwi"],
    [["logs", "--id", "99"], "wq logs: no such item was given to a worker yet: 99"],
    [["logs"], "wq logs: say which item: its text, or --id NUMBER"],
    [
      ["logs", "--id", "x"],
      "wq logs: option '--id <number>' argument 'x' is invalid. Expected the item's number in `results`; see npx --no wq logs --help",
    ],
    [
      ["run", "--zip", "gzip", "{}", ":::", "a"],
      "wq run: unknown option '--zip': options of the program come after its name; see npx --no wq run --help",
    ],
    [
      ["run", "-N2", "echo", ":::", "a"],
      "wq run: unknown option '-N2': an attempt has one item: `xargs -n 10 < LIST` makes lines of ten; see npx --no wq run --help",
    ],
    [
      ["run", "gzip -k {}", ":::", "a"],
      `wq run: no shell takes "gzip -k {}" apart: give each word by itself, or sh -c '…' with "$ITEM" for the item`,
    ],
    [
      ["run", "echo", "{1.}", ":::", "a"],
      "wq run: nothing stands for {1.}: {} is the item, {1} the first part of one from several lists; see npx --no wq run --help",
    ],
    [
      ["run", "--cpu", "two", "true", ":::", "a"],
      "wq run: option '--cpu <quantity>' argument 'two' is invalid. Expected a quantity like 500m, 2 or 512Mi; see npx --no wq run --help",
    ],
    [["status", "--wach"], "wq status: unknown option '--wach' (Did you mean --watch?); see npx --no wq status --help"],
    [
      ["status", "now"],
      "wq status: too many arguments for 'status'. Expected 0 arguments but got 1: now; see npx --no wq status --help",
    ],
    [
      ["results", "-f", "xml"],
      "wq results: option '-f, --format <format>' argument 'xml' is invalid. Allowed choices are ndjson, csv; see npx --no wq results --help",
    ],
    [["scale"], "wq scale: missing required argument 'pods'; see npx --no wq scale --help"],
    [
      ["scale", "0"],
      "wq scale: command-argument value '0' is invalid for argument 'pods'. Expected an integer from 1 up; to stop for a while: npx --no wq pause; see npx --no wq scale --help",
    ],
    [
      ["report", "-o", "/nowhere/r.html"],
      "wq report: cannot write /nowhere/r.html: ENOENT: no such file or directory, open '/nowhere/r.html'; give another with --output FILE",
    ],
    [
      ["status", "--redis", "redis://127.0.0.1:1"],
      "wq status: No connection to Redis at 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1; check that it runs and can be reached from here.",
    ],
  ];
  for (const [args, line] of refused) {
    it(`${args.join(" ")}: ends with one line, and 3`, async () => {
      const { out, err, code } = await run(...args);
      assert.deepEqual({ out, err: err.replace(/\.\d+\.partial/, ""), code }, { out: "", err: line, code: 3 });
    });
  }
});
