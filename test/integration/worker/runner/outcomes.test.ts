// The outcomes of items with the runner of each language: a real Redis, real processes.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { makeCgroup, removeCgroup } from "../../../../local/node/cgroups.ts";
import { deeds, startRunners } from "../../../support/runnerWorker.ts";
import { withQueue } from "../../../support/withQueue.ts";

const once = { maxAttempts: 1, backoff: { min: 1, max: 1 } };

for (const language of ["ts", "py"] as const) {
  describe(`the runner of a handler.${language}`, () => {
    const queue = withQueue();
    const run = async (items: (string | Buffer)[], options: Parameters<typeof startRunners>[2] = {}) => {
      await queue.redis.rpush(queue.k.list, ...items);
      const worker = await startRunners(queue.url, deeds(language), { retry: once, keepLogs: "all", ...options });
      assert.equal(await worker.ended, "finished");
      const rows = await queue.records();
      const outcome = new Map(
        rows.map(({ payload, outcome, value, reason }) => [
          payload.toString(),
          outcome === "done" ? value : `${outcome}: ${reason?.split("\n")[0]}`,
        ]),
      );
      return { worker, rows, outcome };
    };
    const log = async (item: string) => {
      const [id] = await queue.admin.find(item);
      return queue.admin.log(id!);
    };

    it("records what a handler returns and raises", async () => {
      const { outcome } = await run(["apple", "fail no peel", "fail no wq.host", "never again"]);
      assert.equal(outcome.get("apple"), '"did apple"');
      assert.match(outcome.get("fail no peel")!, /^dead: (ValueError: )?no peel$/);
      assert.match(outcome.get("fail no wq.host")!, /^dead: (ValueError: )?no wq\.host$/);
      assert.match(outcome.get("never again")!, /^dead: (DoNotRetry: )?again$/);
    });

    it("puts an item off at no cost", async () => {
      const file = join(mkdtempSync(join(tmpdir(), "job-wq-2-later-")), "mark");
      const { rows } = await run([`later ${file}`]);
      assert.deepEqual(
        rows[0]!.attempts.map(({ outcome }) => outcome),
        ["released", "done"],
      );
      assert.equal(rows[0]!.value, '"at last"');
      rmSync(dirname(file), { recursive: true });
    });

    it("names the file and line of the handler in a stack", async () => {
      const { rows } = await run(["fail x"]);
      assert.match(rows[0]!.reason!, new RegExp(`deeds\\.${language}:\\d+`));
    });

    it("gives each item its bytes: none, NUL, not UTF-8, a mebibyte", async () => {
      const odd = Buffer.concat([Buffer.from("bytes "), Buffer.from([0, 255, 254, 10, 128])]);
      const large = Buffer.concat([Buffer.from("size "), Buffer.alloc(2 ** 20 - 5, 0xc3)]);
      const { rows } = await run([odd, large, "", "bytes \0\u2028ü"]);
      const values = rows.map(({ value }) => value);
      assert.deepEqual(values, [
        JSON.stringify(odd.toString("hex")),
        String(2 ** 20),
        '"did "',
        JSON.stringify(Buffer.from("bytes \0\u2028ü").toString("hex")),
      ]);
    });

    it("fails an item whose result is no JSON", async () => {
      const item = language === "ts" ? "bigint" : "set";
      const { outcome } = await run([item, "apple"]);
      assert.match(outcome.get(item)!, language === "ts" ? /BigInt/ : /dead: TypeError: the result has no JSON form/);
      assert.equal(outcome.get("apple"), '"did apple"');
    });

    if (language === "ts")
      it("fails an item if JSON would silently keep nothing of its result", async () => {
        const form = "dead: the result has no JSON form: ";
        const lost = {
          map: `${form}JSON keeps nothing of Map`,
          promises: `${form}JSON keeps nothing of Promise`,
          generator: `${form}JSON keeps nothing of Generator`,
          function: `${form}it is a function`,
          "error no peel": "dead: no peel",
        };
        const { outcome } = await run([...Object.keys(lost), "empty"]);
        for (const [item, reason] of Object.entries(lost)) assert.equal(outcome.get(item), reason);
        assert.equal(outcome.get("empty"), '{"list":[],"map":{},"text":"{}"}');
      });
    else {
      it("ends a process that a handler forked and that comes back, as Python would, and hears what it printed", async () => {
        const { outcome } = await run(["forked raise", "forked exit", "forked return", "apple"]);
        assert.deepEqual(
          ["raise", "exit", "return"].map((how) => outcome.get(`forked ${how}`)),
          ["1", "0", "0"],
        );
        for (const how of ["exit", "return"]) assert.match((await log(`forked ${how}`))!, /^forked$/m);
        assert.equal(outcome.get("apple"), '"did apple"');
      });

      it("keeps all that threads print at the same time", async () => {
        await run(["threads 8"]);
        const words = new Set((await log("threads 8"))!.split(/\s+/).filter(Boolean));
        assert.equal(words.size, 8 * 200);
      });

      it("fails an item of whose result its own code makes an error", async () => {
        const { outcome } = await run(["odd", "apple"]);
        assert.match(outcome.get("odd")!, /^dead: TypeError: the result has no JSON form: 'no format'/);
        assert.equal(outcome.get("apple"), '"did apple"');
      });

      it("runs async functions in one loop, tells causes and notes, and keeps values that have a plain form", async () => {
        const { rows, outcome } = await run([
          "await 1",
          "await 2",
          "cancelled",
          "caused x",
          "noted x",
          "peel red",
          "under print",
        ]);
        assert.deepEqual([outcome.get("await 1"), outcome.get("await 2")], ["false", "true"]);
        assert.match(outcome.get("cancelled")!, /^dead: asyncio\.exceptions\.CancelledError/);
        const reason = (item: string) => rows.find(({ payload }) => payload.toString() === item)!.reason!;
        assert.match(
          reason("caused x"),
          /^ValueError: x\n +at caused .*\n[^]*caused by: FileNotFoundError: .*\n +at caused/,
        );
        assert.match(reason("noted x"), /^ValueError: x\n/);
        assert.doesNotMatch(reason("cancelled"), /asyncio\/|run\.py/);
        assert.equal(outcome.get("peel red"), '{"color":"red","weight":"1.10"}');
        assert.equal(await log("under print"), "print\n");
      });
    }

    it("logs the output of a program that opens its streams by name", async () => {
      await run(["byName apple"]);
      assert.equal(await log("byName apple"), "apple\napple\n");
    });

    it("takes each state of a progress bar as a line", async () => {
      await run(["progress"]);
      assert.equal(await log("progress"), "10%\n50%\ndone\n");
    });

    it("keeps printed output with its item, also much, without a line end, and binary", async () => {
      const items = ["print 20000", "long 1000000", "binary", "raw from below", "apple"];
      const { outcome, worker } = await run(items);
      assert.equal(outcome.size, 5);
      assert.ok(
        [...outcome.values()].every((value) => !value?.startsWith("dead")),
        [...outcome.values()].join(),
      );
      const many = (await log("print 20000"))!;
      assert.match(many, /line 19999 x+\n$/);
      assert.ok(many.length <= 64 * 1024);
      assert.match((await log("long 1000000"))!, /^x+\n/);
      assert.equal((await log("raw from below"))!, "from below\n");
      assert.equal(await log("apple"), undefined);
      assert.ok(!worker.lines.some((line) => line.includes("from below")));
    });

    it("logs how much of an item is done, once for each percent, and nothing if that is no number", async () => {
      const { outcome } = await run(["half", "nan", "apple"]);
      assert.equal(await log("half"), "0 %\n49 %\n100 %\n");
      assert.equal(await log("nan"), undefined);
      assert.doesNotMatch(String(outcome.get("nan")), /^dead/);
      assert.equal(outcome.get("apple"), '"did apple"');
    });

    it("cuts what is longer than the protocol takes: a line, a log, a result", async () => {
      const items = ["longLine 70000000", "logged 70000000", "result 70000000"];
      const { rows } = await run(items);
      assert.deepEqual(
        rows.map(({ outcome, truncated = false }) => [outcome, truncated]),
        [["done", false], ["done", false], ["done", true]], // prettier-ignore
      );
      for (const item of items.slice(0, 2)) assert.match((await log(item))!, /^x{65000,}\n+$/);
      assert.match(rows[2]!.value!, /^"\\?"?x+$/);
    });

    it("gives no item to what a handler starts, or does with its input", async () => {
      const items = ["reader", "closesInput", ...Array.from({ length: 20 }, (_, n) => `x ${n}`)];
      const { outcome } = await run(items, { concurrency: 3, itemTimeoutMs: 10_000 });
      assert.equal(outcome.get("reader"), '""');
      for (const item of items.slice(2)) assert.equal(outcome.get(item), JSON.stringify(`did ${item}`));
    });

    it("tells the last line of an item's log, if it ended its runner", async () => {
      const { outcome } = await run(["lastWords no peel"]);
      assert.match(
        outcome.get("lastWords no peel")!,
        /^dead: deeds\.\w+ (was ended by SIGKILL, perhaps out of memory|exited with code 3): no peel$/,
      );
    });

    const ends: [item: string, reason: RegExp][] = [
      ["die SIGKILL", /^dead: deeds\.\w+ was ended by SIGKILL, perhaps out of memory$/],
      ["die SIGSEGV", /^dead: deeds\.\w+ was ended by SIGSEGV/],
      ["garbage no JSON", /^dead: deeds\.\w+ wrote a line to descriptor 3 that is not an answer: no JSON$/],
      [
        'garbage {"id":1,"ready":false}',
        /^dead: deeds\.\w+ wrote a line to descriptor 3 that is not an answer: \{"id":1,/,
      ],
      ["alien", /^dead: deeds\.\w+ answered for item 123456789, which it does not have$/],
      [
        "exit 3",
        language === "ts" ? /^dead: the handler called process.exit\(3\)$/ : /^dead: deeds.py exited with code 3$/,
      ],
      ["hang", /^dead: timed out after 1 s$/],
      ["block 60000", /^dead: timed out after 1 s$/],
    ];
    it("fails the item in hand when its runner ends or hangs, and no other", async () => {
      const items = ends.flatMap(([item], n) => [`before ${n}`, item, `after ${n}`]);
      const { outcome } = await run(items, { itemTimeoutMs: 1_000 });
      for (const [item, reason] of ends) assert.match(outcome.get(item)!, reason);
      const others = [...outcome].filter(([item]) => /^(before|after)/.test(item));
      assert.equal(others.length, 2 * ends.length);
      for (const [item, value] of others) assert.equal(value, JSON.stringify(`did ${item}`));
    });

    const nap = `${language === "ts" ? 88 : 99}${process.pid}`;
    const naps = async () => (await execa("pgrep", ["-fc", `^sleep ${nap}$`], { reject: false })).stdout;

    it("ends processes that a handler started with the runner, also those outside of its group", async () => {
      const { worker } = await run([`leave ${nap}`]);
      await worker.ended;
      await queue.until(async () => (await naps()) === "0", "it lives on");
    });

    it("begins no second attempt beside processes of the first one", async () => {
      const retry = { maxAttempts: 2, backoff: { min: 1, max: 1 } };
      const { outcome } = await run([`overlap ${nap}`], { retry });
      assert.equal(outcome.get(`overlap ${nap}`), "0");
    });

    it("fails the item that takes too much memory, if the kernel ends only the runner", async () => {
      const name = `job-wq-2-oom-${process.pid}`;
      makeCgroup(name);
      const [cgroup, limit] = [
        ["/sys/fs/cgroup/memory", "memory.limit_in_bytes"],
        ["/sys/fs/cgroup", "memory.max"],
      ].find(([root, file]) => existsSync(join(root!, name, file!)))!;
      writeFileSync(join(cgroup!, name, limit!), String(2 ** 26));
      const item = `oom ${join(cgroup!, name)}`;
      const { outcome } = await run(["before", item, "after"]);
      removeCgroup(name);
      assert.match(outcome.get(item)!, /^dead: deeds\.\w+ was ended by SIGKILL, perhaps out of memory/);
      assert.deepEqual([outcome.get("before"), outcome.get("after")], ['"did before"', '"did after"']);
    });

    it("gives each of a batch its own outcome", async () => {
      const items = ["a", "b", "bad", ...Array.from({ length: 14 }, (_, n) => `x${n}`)];
      const { outcome, rows } = await run(items, { batch: 4, batchWaitMs: 200 });
      assert.match(outcome.get("bad")!, /^dead: (ValueError: )?a bad one$/);
      assert.equal(rows.filter(({ value }) => value?.endsWith('of 4"')).length, 15);
      assert.equal(outcome.get("x13"), '"x13 of 1"');
    });

    it("fails a batch that is answered with anything but a list", async () => {
      const { outcome } = await run(["by name"], { batch: 4, batchWaitMs: 1 });
      assert.match(
        outcome.get("by name")!,
        /^dead: (TypeError: )?handle_?[bB]atch returned (no list for 1 items|a dict, not a list with a result for each item)$/,
      );
    });

    it("runs each item of a batch alone if the function throws", async () => {
      const { outcome } = await run(["a", "poison", "b", "c"], { batch: 4, batchWaitMs: 1_000 });
      assert.match(outcome.get("poison")!, /^dead: (ValueError: )?poison$/);
      assert.deepEqual(
        ["a", "b", "c"].map((item) => outcome.get(item)),
        ['"a of 1"', '"b of 1"', '"c of 1"'],
      );
    });
  });
}
