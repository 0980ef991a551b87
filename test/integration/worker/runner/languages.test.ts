// Programs in any language that speak the protocol of worker/README.md; and Python as it is staged and deployed.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { stageWorker } from "../../../../components/image/buildContext.ts";
import { startRunners } from "../../../support/runnerWorker.ts";
import { withQueue } from "../../../support/withQueue.ts";
import { programEnvironment } from "../../../support/programEnvironment.ts";

const root = join(import.meta.dirname, "../../../..");

describe("a program with `serve`", () => {
  const queue = withQueue();
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-languages-"));
  after(() => rmSync(dir, { recursive: true }));
  const example = (language: string) =>
    new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(readFileSync(join(root, "worker/README.md"), "utf8"))![1]!;

  const examples: Record<string, () => Promise<string[]>> = {
    sh: async () => {
      writeFileSync(join(dir, "serve.sh"), example("sh"));
      return ["sh", join(dir, "serve.sh")];
    },
    go: async () => {
      mkdirSync(join(dir, "go"));
      writeFileSync(join(dir, "go/main.go"), example("go"));
      const env = { GO111MODULE: "off", GOFLAGS: "", GOCACHE: join(dir, "cache") };
      await execa("go", ["build", "-o", join(dir, "serve"), join(dir, "go/main.go")], { env });
      return [join(dir, "serve")];
    },
  };
  for (const [language, program] of Object.entries(examples)) {
    it(`may be the example of the documentation in ${language}`, async function () {
      if (language === "go" && (await execa("go", ["version"], { reject: false })).failed) return this.skip();
      const command = await program();
      await queue.redis.rpush(queue.k.list, "apple", "banana", "cherry");
      const worker = await startRunners(queue.url, command, { concurrency: 2, keepLogs: "all" });
      assert.equal(await worker.ended, "finished");
      const rows = await queue.records();
      assert.deepEqual(rows.map(({ value }) => value).sort(), ['"did apple"', '"did banana"', '"did cherry"']);
      assert.equal(await queue.admin.log(1), "working on apple\n");
    });
  }

  describe("beside a handler in Python", () => {
    /** The bundled worker over a handler.py. */
    const work = async (text: string, env: Record<string, unknown> = {}, folder = "") => {
      const handler = join(dir, folder, "work.py");
      // Staging would refuse a text that does not compile.
      writeFileSync(handler, "def handle(item, context): pass");
      const staged = stageWorker(`python-test-${process.pid}`, { handler, files: undefined });
      writeFileSync(join(staged, "code/bin/handler", folder, "work.py"), text);
      return execa(process.execPath, [resolve(staged, "code/bin/worker.js")], {
        env: programEnvironment({
          WQ_REDIS_URL: queue.url,
          queue: "job2",
          handler: `./${join("src", folder, "work.py")}`,
          maxAttempts: "1",
          lease: "2s",
          ...env,
        }),
        reject: false,
        all: true,
      });
    };

    it("runs it, staged, with what it prints", async () => {
      await queue.redis.rpush(queue.k.list, "apple");
      const worked = await work(
        "def handle(item, context):\n  print('peeling', item)\n  return {'n': 12345678901234567890}\n",
      );
      assert.equal(worked.exitCode, 0, worked.all);
      assert.match(worked.all, /^peeling apple$/m);
      assert.equal((await queue.records())[0]!.value, '{"n":12345678901234567890}');
    });

    it("runs one that is a module of a package, with what is in it", async () => {
      mkdirSync(join(dir, "fruits/tools"), { recursive: true });
      for (const file of ["__init__.py", "tools/__init__.py", ".secret"]) writeFileSync(join(dir, "fruits", file), "");
      writeFileSync(join(dir, "fruits/peeling.py"), "def peel(item): return 'peeled ' + item");
      await queue.redis.rpush(queue.k.list, "apple");
      const text =
        "from ..peeling import peel\nimport fruits.peeling\nimport argparse\nargparse.ArgumentParser().parse_args()\nhandle = lambda item, context: peel(item)\n";
      const worked = await work(text, {}, "fruits/tools");
      assert.equal(worked.exitCode, 0, worked.all);
      assert.equal((await queue.records())[0]!.value, '"peeled apple"');
    });

    for (const [title, text] of [
      ["that takes no context", "def handle(item):\n  return item.upper()\n"],
      ["that is asynchronous", "async def handle(item, context):\n  return item.upper()\n"],
      ["that is asynchronous and takes no context", "async def handle(item):\n  return item.upper()\n"],
      [
        "that a decorator made synchronous by its looks",
        "async def work(item):\n  return item.upper()\ndef handle(item, context):\n  return work(item)\n",
      ],
      ["that takes what comes", "def handle(*args):\n  return args[0].upper()\n"],
    ] as const)
      it(`runs a function ${title}`, async () => {
        await queue.redis.rpush(queue.k.list, "apple");
        const worked = await work(text);
        assert.equal(worked.exitCode, 0, worked.all);
        assert.equal((await queue.records())[0]!.value, '"APPLE"');
      });

    const refusals: [title: string, text: string, line: string, env?: Record<string, string>][] = [
      [
        "a syntax error",
        "def handle(item, context)\n  pass\n",
        "./src/work.py does not load: SyntaxError: expected ':' (line 1)",
      ],
      [
        "an import that fails",
        "import torchh\ndef handle(item, context): pass\n",
        "./src/work.py does not load: ModuleNotFoundError: No module named 'torchh' (`requirements` names the packages to install)",
      ],
      ["no function", "handle = 3\n", "./src/work.py has no function handle: it needs `def handle(…, context):`"],
      [
        "no function for batches",
        "def handle(item, context): pass\n",
        "./src/work.py has no function handle_batch: it needs `def handle_batch(…, context):`",
        { batch: "4" },
      ],
    ];
    for (const [title, text, line, env] of refusals) {
      it(`ends the batch for ${title}, in one line, whatever was done before`, async () => {
        await queue.redis.rpush(queue.k.list, "apple", "banana");
        const stop =
          "import os, time\ndef handle(item, context):\n  if item == 'banana': os.kill(os.getppid(), 15), time.sleep(60)\n";
        assert.equal((await work(stop, { gracePeriod: "0s" })).exitCode, 143);
        assert.equal((await queue.places()).done, 1);
        const worked = await work(text, env);
        assert.deepEqual([worked.exitCode, worked.all], [0, `${line}\nNothing to do here, exiting`]);
        const { state, reason } = await queue.admin.counts();
        assert.deepEqual([state, reason], ["aborted", line]);
      });
    }
  });
});
