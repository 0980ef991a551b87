import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFileSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Redis } from "ioredis";
import { Consumer, type Handler, QueueAdmin, type ResultRow, Seeder } from "../../../queue/index.ts";
import { quick } from "../../support/consuming.ts";
import { wqScript } from "../../support/fruits.ts";
import { withQueue } from "../../support/withQueue.ts";

describe("wq that follows", () => {
  const t = withQueue({ args: ["--appendonly", "yes"] });
  const children: ChildProcess[] = [];
  const admin = () => new QueueAdmin(t.redis, "job2");
  const seed = (items: string[]) =>
    new Seeder({ url: t.url, queue: "job2" }).seed(items, { owner: "a/b", run: "1", seedId: "1" });
  const consume = (handler: Handler, more = {}) => new Consumer({ ...quick(t.url), ...more, handler });
  afterEach(() => children.splice(0).forEach((child) => child.kill("SIGKILL")));

  /** Starts a verb; its lines as they come. */
  function start(args: string[], stdout: "pipe" | number = "pipe") {
    const env = { ...process.env, WQ_REDIS_URL: t.url };
    const child = spawn(process.execPath, [wqScript, ...args], { env, stdio: ["ignore", stdout, "pipe"] });
    children.push(child);
    const lines: string[] = [];
    let stderr = "";
    child.stderr!.on("data", (data: Buffer) => (stderr += data.toString()));
    if (child.stdout) createInterface(child.stdout).on("line", (line) => lines.push(line));
    return { child, lines, err: () => stderr, ended: once(child, "close").then(([code]) => code as number) };
  }

  const monitors: Redis[] = [];
  afterEach(() => monitors.splice(0).forEach((monitor) => monitor.disconnect()));

  /** Notes all calls to Redis. @returns The place of the first call that matches, once it is made. */
  async function watchCalls(): Promise<(call: RegExp) => Promise<number>> {
    const monitor = await t.redis.monitor();
    monitors.push(monitor);
    const calls: string[] = [];
    monitor.on("monitor", (_: string, args: string[]) => calls.push(args.join(" ")));
    const place = (call: RegExp) => calls.findIndex((one) => call.test(one));
    return async (call) => {
      await t.until(() => place(call) >= 0, `no ${call.source}`);
      return place(call);
    };
  }

  /** A gate at which handlers wait. */
  function gate() {
    let open = () => {};
    const passed = new Promise<void>((resolve) => (open = resolve));
    return { open, passed };
  }

  describe("results --follow", () => {
    let folder: string;
    beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "wq-follow-"))));
    afterEach(() => rmSync(folder, { recursive: true }));

    it("prints each row as its item is settled, and ends with the batch", async () => {
      await seed(["slow", "quick", "bad"]);
      const slow = gate();
      const handler: Handler = async (item) => {
        if (item === "slow") await slow.passed;
        if (item === "bad") throw new Error("is bad");
        return item;
      };
      const run = consume(handler, { concurrency: 3, retry: { maxAttempts: 1, backoff: { min: 1, max: 1 } } }).run();
      const { lines, ended } = start(["results", "--follow"]);
      await t.until(() => lines.length === 2);
      slow.open();
      await run;
      assert.equal(await ended, 0);
      const rows = lines.map((line) => JSON.parse(line) as ResultRow);
      assert.deepEqual(rows.map(({ item }) => item).sort(), ["bad", "quick", "slow"]);
      assert.equal(rows[2]!.item, "slow");
      assert.equal(rows.find(({ item }) => item === "bad")!.reason, "is bad");
    });

    it("prints every row once across a SIGKILL and --after, also a row that was cut off", async () => {
      await seed(Array.from({ length: 400 }, (_, i) => `item-${i + 1}`));
      const gates = [gate(), gate()];
      const handler: Handler = async (item) => {
        const number = Number(item.slice(5));
        if (number % 7 === 0 || number > 150) await gates[0]!.passed;
        if (number > 300) await gates[1]!.passed;
        return number;
      };
      const run = consume(handler, { concurrency: 60 }).run();
      const file = join(folder, "rows.ndjson");
      const rowsIn = () => readFileSync(file, "utf8").split("\n").length - 1;
      const first = start(["results", "--follow"], openSync(file, "a"));
      await t.until(() => rowsIn() > 50);
      first.child.kill("SIGKILL");
      await first.ended;
      appendFileSync(file, '{"id":399,"item":"it');
      gates[0]!.open();
      const second = start(["results", "--follow", "--after", file], openSync(file, "a"));
      await t.until(() => rowsIn() > 250);
      gates[1]!.open();
      await run;
      assert.equal(await second.ended, 0, second.err());
      const ids = readFileSync(file, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => (JSON.parse(line) as ResultRow).id);
      assert.equal(ids.length, 400);
      assert.equal(new Set(ids).size, 400);
    });

    it("prints an item again after it was put back and ended anew", async () => {
      await seed(["twice", "last"]);
      const last = gate();
      let runs = 0;
      const handler: Handler = async (item) => {
        if (item === "last") return last.passed;
        if (++runs === 1) throw new Error("not yet");
      };
      const run = consume(handler, { concurrency: 2, retry: { maxAttempts: 1, backoff: { min: 1, max: 1 } } }).run();
      const { lines, ended } = start(["results", "--follow"]);
      await t.until(() => lines.length === 1);
      await admin().requeueDead();
      await t.until(() => lines.length === 2);
      last.open();
      await run;
      assert.equal(await ended, 0);
      const rows = lines.map((line) => JSON.parse(line) as ResultRow);
      assert.deepEqual(
        rows.map(({ item, outcome }) => `${item} ${outcome}`),
        ["twice failed", "twice done", "last done"],
      );
    });

    it("prints every row of a new run, also with --after and a file of the earlier run", async () => {
      const anew = (run: string) =>
        new Seeder({ url: t.url, queue: "job2" }).seed(["a", "b", "c"], { owner: "a/b", run, seedId: run });
      await anew("1");
      const last = gate();
      const first = consume((item) => (item === "c" ? last.passed : item), { concurrency: 3 });
      const stopped = first.run();
      const follower = start(["results", "--follow"]);
      await t.until(() => follower.lines.length === 2);
      await anew("2");
      last.open();
      await first.stop(0);
      await stopped;
      await consume((item) => item).run();
      assert.equal(await follower.ended, 0);
      const items = (lines: string[]) => lines.map((line) => (JSON.parse(line) as ResultRow).item).sort();
      assert.deepEqual(items(follower.lines), ["a", "a", "b", "b", "c"]);

      const file = join(folder, "rows.ndjson");
      appendFileSync(file, follower.lines.map((line) => `${line}\n`).join(""));
      const same = start(["results", "--follow", "--after", file]);
      assert.equal(await same.ended, 0, same.err());
      assert.deepEqual(same.lines, []);
      await anew("3");
      await consume((item) => item).run();
      const later = start(["results", "--follow", "--after", file]);
      assert.equal(await later.ended, 0, later.err());
      assert.deepEqual(items(later.lines), ["a", "b", "c"]);
    });

    it("waits for a Redis that goes away", async () => {
      await seed(["one", "two"]);
      const two = gate();
      const run = consume(async (item) => void (item === "two" && (await two.passed))).run();
      const { lines, err, ended } = start(["results", "--follow"]);
      await t.until(() => lines.length === 1);
      await t.server.kill();
      await t.until(() => /^Redis is away: .+; waiting$/m.test(err()));
      await t.server.restart();
      await t.until(() => /^Redis is back$/m.test(err()));
      two.open();
      await run;
      assert.equal(await ended, 0);
      assert.deepEqual(
        lines.map((line) => (JSON.parse(line) as ResultRow).item),
        ["one", "two"],
      );
    });

    for (const [args, why] of [
      [["--after", "x"], "--after needs --follow"],
      [["--follow", "--csv"], "--follow prints NDJSON of items that are over: leave out --csv, --format csv and --all"],
      [["--follow", "--after", "/nowhere"], "cannot read /nowhere: ENOENT: no such file or directory, stat '/nowhere'"],
    ] as const)
      it(`refuses ${args.join(" ")}`, async () => {
        await seed(["one"]);
        const { err, ended } = start(["results", ...args]);
        assert.equal(await ended, 3);
        assert.equal(err(), `wq results: ${why}\n`);
      });
  });

  describe("logs -f", () => {
    it("prints one item's lines as they are written, of two in one pod, across attempts on two pods", async () => {
      await seed(["apple", "pear"]);
      const [first, second, pear] = [gate(), gate(), gate()];
      const handler =
        (pod: string): Handler =>
        async (item, { attempt, log }) => {
          log(`${item} ${attempt} begins in ${pod}`);
          if (item === "pear") {
            await pear.passed;
            log("pear goes on\npear ends"); // two lines in one call
            return;
          }
          await (attempt === 1 ? first : second).passed;
          log(`apple ${attempt} ends`);
          if (attempt === 1) throw new Error("not ripe");
        };
      const { lines, ended } = start(["logs", "-f", "apple"]);
      const all = start(["logs", "-f"]);
      await t.until(async () => (await t.redis.pubsub("NUMSUB", "{job2}:log"))[1] === 2);
      const one = consume(handler("pod-1"), { concurrency: 2, pod: "pod-1" });
      const runs = [one.run()];
      await t.until(() => lines.includes("apple 1 begins in pod-1"));
      runs.push(consume(handler("pod-2"), { concurrency: 2, pod: "pod-2" }).run());
      first.open();
      await t.until(() => lines.some((line) => line.startsWith("apple 2 begins")));
      second.open();
      assert.equal(await ended, 0);
      assert.deepEqual(
        lines.map((line) => line.replace(/pod-\d/, "pod")),
        [
          "apple 1 begins in pod",
          "apple 1 ends",
          "apple 2 begins in pod",
          "apple 2 ends",
          "== apple (1): done after 2 attempts",
        ],
      );
      pear.open();
      await Promise.all(runs);
      assert.equal(await all.ended, 0);
      assert.ok(
        all.lines.includes("apple | apple 1 ends") && all.lines.includes("pear | pear ends"),
        all.lines.join("\n"),
      );
      assert.deepEqual(
        all.lines.filter((line) => !/^(== )?(apple|pear) /.test(line)),
        [],
      );
    });

    it("waits for the last lines of workers that have not left", async () => {
      await seed(["apple"]);
      await consume(() => 1).run();
      await t.redis.zadd(t.k.alive, Date.now() + 600_000, "busy");
      const { child, lines, ended } = start(["logs", "-f"]);
      await t.until(async () => (await t.redis.pubsub("NUMSUB", "{job2}:log"))[1] === 1);
      const before = await looks();
      await t.until(async () => (await looks()) >= before + 15); // a look each 100 ms
      assert.equal(child.exitCode, null);
      const last = { id: 1, item: "apple", pod: "pod-1", at: Date.now(), line: "the last one" };
      await t.redis.publish("{job2}:log", JSON.stringify([last]));
      await t.redis.zrem(t.k.alive, "busy");
      assert.equal(await ended, 0);
      assert.deepEqual(lines, ["apple | the last one"]);
    });

    it("hears a worker's lines before their item is over, and before the worker leaves", async () => {
      await seed(["first", "second"]);
      const second = gate();
      const { lines } = start(["logs", "-f"]);
      await t.until(async () => (await t.redis.pubsub("NUMSUB", "{job2}:log"))[1] === 1);
      const place = await watchCalls();
      const run = consume(async (item, { log }) => {
        if (item === "second") await second.passed;
        log(`of the ${item}`);
      }).run();
      await t.until(() => lines.includes("first | of the first"));
      second.open();
      await run;
      const said = await place(/^publish \S+ .*of the second/i);
      assert.ok(said < (await place(/^hset \{job2\}:results 2 /i)));
      assert.ok(said < (await place(/^zrem \{job2\}:alive /i)));
    });

    it("hears the lines of a worker before it leaves, even if no listener was known", async () => {
      await seed(["apple"]);
      const heard: string[] = [];
      const stop = await admin().followLog(({ line }) => heard.push(line));
      const place = await watchCalls();
      await consume((_, { log }) => log("only this")).run();
      await t.until(() => heard.length > 0);
      stop();
      assert.ok((await place(/^publish \S+ .*only this/i)) < (await place(/^zrem \{job2\}:alive /i)));
    });

    it("names a long item by its beginning, without half a character", async () => {
      await seed(["ü".repeat(600)]);
      const { lines, ended } = start(["logs", "-f"]);
      await t.until(async () => (await t.redis.pubsub("NUMSUB", "{job2}:log"))[1] === 1);
      await consume((_, { log }) => log("x".repeat(3))).run();
      assert.equal(await ended, 0);
      assert.match(lines[0]!, /^ü+… \| xxx$/);
    });

    it("shows the kept log of a settled item, and says if there is none", async () => {
      await seed(["bad"]);
      await consume(
        (_, { log }) => {
          log("was seen");
          throw new Error("is bad");
        },
        { retry: { maxAttempts: 1, backoff: { min: 1, max: 1 } } },
      ).run();
      const { lines, ended } = start(["logs", "-f", "bad"]);
      assert.equal(await ended, 0);
      assert.match(lines[0]!, /^== bad \(1\): failed after 1 attempt: is bad$/);
      assert.equal(lines.at(-1), "was seen");
      const none = start(["logs", "-f", "none"]);
      assert.equal(await none.ended, 3);
      assert.equal(none.err(), "wq logs: no such item was given to a worker yet: none\n");
    });

    it("prints a line of JSON for each line", async () => {
      await seed(["apple"]);
      const { lines, ended } = start(["logs", "-f", "--json"]);
      await t.until(async () => (await t.redis.pubsub("NUMSUB", "{job2}:log"))[1] === 1);
      await consume((_, { log }) => log("a \u001b[31mred\u001b[0m line")).run();
      assert.equal(await ended, 0);
      const { time, ...rest } = JSON.parse(lines[0]!) as { time: string };
      assert.ok(Date.parse(time) > 0);
      assert.deepEqual(rest, { id: 1, item: "apple", pod: "pod-1", line: "a \u001b[31mred\u001b[0m line" });
    });
  });

  /** Number of calls of scripts. Only the verb that follows makes them. */
  const looks = async () => {
    const calls = (await t.redis.info("commandstats")).matchAll(/^cmdstat_(?:eval|fcall)\w*:calls=(\d+)/gm);
    return [...calls].reduce((sum, [, count]) => sum + Number(count), 0);
  };

  for (const args of [
    ["results", "--follow"],
    ["logs", "-f"],
    ["status", "--watch", "--json"],
  ])
    it(`${args.join(" ")} says that nothing is there yet, and ends when the queue is gone`, async () => {
      const { ended, err, lines } = start(args);
      const isStatus = args[0] === "status";
      await t.until(() => (isStatus ? lines.length > 1 : err() !== ""));
      assert.equal(err(), isStatus ? "" : "nothing is in the queue job2 yet; waiting\n");
      await seed(["one"]);
      const before = await looks();
      await t.until(async () => (await looks()) >= before + 2);
      await admin().purge();
      assert.equal(await ended, 3);
      assert.match(err(), /^wq \w+: the queue job2 is gone: it was purged, or Redis lost it$/m);
    });

  it("status --watch waits for a Redis that goes away", async () => {
    await seed(["one"]);
    const { ended, err, lines } = start(["status", "--watch", "--json"]);
    await t.until(() => lines.length > 0);
    await t.server.kill();
    await t.until(() => /^Redis is away: .+; waiting$/m.test(err()));
    await t.server.restart();
    await t.until(() => /^Redis is back$/m.test(err()));
    await consume(() => 1).run();
    assert.equal(await ended, 0);
    assert.match(lines.at(-1)!, /"state":"finished"/);
  });
});
