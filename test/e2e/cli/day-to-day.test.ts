// `wq` through the cluster while an `up` runs, as a person types it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { ResultRow } from "../../../queue/index.ts";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { startChromium } from "../../support/chromium.ts";
import { checkout, root } from "../../support/checkout.ts";
import { onPlatform } from "../../support/platform.ts";
import { TestStack } from "../../support/stack.ts";

interface Status {
  state: string;
  total: number;
  waiting: number;
  running: number;
  delayed: number;
  done: number;
  failed: number;
}

describe("wq beside `up`", () => {
  const { project, remove } = checkout();
  const items = Array.from({ length: 60 }, (_, index) => `item-${index}`);
  const stack = new TestStack({ items, workSeconds: 0.5, maxAttempts: 1 }, { project });
  const status = async () => {
    const { code, out } = await stack.wq("status", "--json");
    return { code, now: out ? (JSON.parse(out) as Status) : undefined };
  };
  const over = ({ done, failed }: Status) => done + failed;
  /** Waits until the batch runs and this many items are settled. */
  async function until(count: number): Promise<void> {
    for (let turn = 0; turn < 300; turn++, await sleep(200)) {
      const { now } = await status();
      if (now?.state === "open" && over(now) >= count) return;
    }
    assert.fail(`${count} items were never over`);
  }

  onPlatform(async () => {
    const handler = join(project, "worker/handler.ts");
    const bad = 'log("looking"); if (item.endsWith("7")) throw new Error(`${item} has a seven`);';
    const edited = readFileSync(handler, "utf8").replace(
      "{ signal }: ItemContext) {",
      `{ signal, log }: ItemContext) {\n${bad}`,
    );
    assert.match(edited, /has a seven/);
    writeFileSync(handler, edited);
    await stack.init();
  });
  after(async () => {
    await stack.remove();
    remove();
  });

  it("status adds up each time, never goes back, and ends with the counts of `results`", async () => {
    const up = stack.up();
    const seen: Status[] = [];
    let code = 2;
    for (let turn = 0; turn < 600 && (code === 2 || !seen.length); turn++, await sleep(50)) {
      const { now, ...rest } = await status();
      if (!now || now.total === 0) continue;
      code = rest.code;
      seen.push(now);
    }
    assert.ok(
      seen.some((now) => now.running > 0 && over(now) > 0),
      "a look while it runs",
    );
    for (const [index, now] of seen.entries()) {
      assert.equal(now.waiting + now.running + now.delayed + now.done + now.failed, now.total, JSON.stringify(now));
      assert.ok(index === 0 || over(now) >= over(seen[index - 1]!));
    }
    const last = seen.at(-1)!;
    assert.deepEqual([code, last.state, last.done, last.failed], [1, "finished", 54, 6]);
    assert.match((await up).text, /6 of 60 items failed: item-7, item-17/);

    const results = (await stack.wq("results")).out
      .split("\n")
      .map((line) => JSON.parse(line) as { item: string; outcome: string });
    assert.deepEqual(
      results.map(({ item }) => item),
      items,
    );
    assert.equal(results.filter(({ outcome }) => outcome === "done").length, last.done);
  });

  it("failed and logs say why", async () => {
    const failed = await stack.wq("failed");
    assert.match(failed.out, /6.*has a seven/);
    const { code, out } = await stack.wq("logs", "item-17");
    assert.equal(code, 0, out);
    assert.match(out, /item-17 has a seven[^]*looking/);
    assert.match((await stack.wq("logs", "item-99")).err, /^wq logs: [^\n]*item-99[^\n]*$/);
  });

  it("retry runs all that failed, or those that match, and nothing else", async () => {
    const attempts = async () => {
      const rows = (await stack.wq("results")).out.split("\n").map((line) => JSON.parse(line) as ResultRow);
      return Object.fromEntries(rows.filter((row) => row.attempts > 1).map(({ item, attempts }) => [item, attempts]));
    };
    const one = await stack.wq("retry", "--match", "item-17 has");
    assert.equal(one.code, 1, "it fails again");
    assert.match(one.out, /^Running 1 item again\.\n[^]*6 of 60 items failed/);
    assert.deepEqual(await attempts(), { "item-17": 2 });
    const all = await stack.wq("retry");
    assert.match(all.out, /^Running 6 items again\.\n[^]*6 of 60 items failed/);
    const sevens = ["item-7", "item-17", "item-27", "item-37", "item-47", "item-57"];
    assert.deepEqual(await attempts(), { ...Object.fromEntries(sevens.map((item) => [item, 2])), "item-17": 3 });
    assert.equal((await stack.wq("retry", "--match", "rotten")).out, "No failed item matches rotten.");
  });

  /** Changes the number of pods on the page of `wq ui`. */
  async function scaleByButton(pods: number): Promise<void> {
    const args = ["ui", "--no-open", "--json", "--stack", stack.name];
    const ui = execa(join(project, "cli/wq.mjs"), args, { cwd: project, env: stack.env, reject: false });
    // The line is read as soon as it comes, since a browser may take longer to start.
    const told = once(createInterface(ui.stdout), "line");
    const browser = await startChromium();
    try {
      const [line] = (await told) as [string];
      const page = await browser.newPage();
      await page.goto((JSON.parse(line) as { address: string }).address);
      await page.fill("#pods", String(pods));
      await page.click("#scale button");
      await page.waitForSelector(`#message:has-text("From 3 to ${pods} pods.")`);
    } finally {
      await browser.close();
      ui.kill("SIGINT");
      await ui;
    }
  }

  it("pause lets items in flight finish and none start, while an `up` waits on; scale and resume work then", async () => {
    const up = stack.up({ run: "2", workSeconds: 1 });
    await until(1);
    assert.equal((await stack.wq("pause")).code, 0);
    await sleep(1_500);
    const { now: paused } = await status();
    assert.equal(paused!.running, 0);
    assert.ok(paused!.waiting > 0, "paused before it was over");
    await sleep(1_500);
    const { now: still } = await status();
    assert.deepEqual([still!.done, still!.waiting], [paused!.done, paused!.waiting]);
    const scaled = await stack.wq("scale", "3");
    assert.equal(scaled.code, 0, scaled.err);
    await scaleByButton(4);
    assert.equal((await stack.wq("resume")).code, 0);
    assert.match((await up).text, /6 of 60 items failed/);
    const pods = await stack.kubectl("get", "pods", "-l", "job-name=job-wq-2", "-o", "name");
    assert.equal(pods.split("\n").length, 4);
    const worked = await stack.items();
    assert.deepEqual(worked, [...items].sort(), "none lost, none twice");
  });

  it("retry starts no workers if some run: these take the items that were put back", async () => {
    const up = stack.up({ run: "3" });
    let failed = 0;
    for (let turn = 0; turn < 300 && failed === 0; turn++, await sleep(200)) {
      const { now } = await status();
      if (now?.state === "open" && now.running > 0) failed = now.failed;
    }
    const { code, out } = await stack.wq("retry");
    assert.equal(code, 0);
    assert.match(out, /^Put [1-6] items? back: the workers that run take them\.$/);
    assert.match((await up).text, /6 of 60 items failed/);
    assert.ok((await stack.items()).length > 60, "the same pods did it again");
  });

  describe("without npx", () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "job-wq-2-elsewhere-"));
    const state = join(project, ".state");
    after(async () => {
      rmSync(elsewhere, { recursive: true });
      // Puts the platform's `wq` back to this checkout's.
      await execa("npm", ["run", "-s", "platform", "env"], { cwd: root });
    });
    // The stack is in a backend of its own, since the platform's backend is the user's.
    const own = ["PULUMI_BACKEND_URL", "PULUMI_HOME"].map((name) => `${name}='${stack.env[name]}'`).join(" ");
    /** Types it in a shell that has the platform's environment, or a bare one. */
    async function typed(line: string, { evaluated = true, cwd = elsewhere } = {}) {
      const { PATH, HOME } = process.env as { PATH: string; HOME: string };
      const script = evaluated ? `eval "$(cd '${project}' && npm run -s platform env)"; export ${own}; ${line}` : line;
      const options = { cwd, env: { PATH, HOME }, extendEnv: false, reject: false };
      const { exitCode, stdout, stderr } = await execa("bash", ["-c", script], options);
      return { code: exitCode, out: stdout, err: stderr };
    }
    const outside =
      "wq status: there is no Pulumi program in this folder or above it: change to the folder of one, or give --redis URL";

    it("says what to do outside of any program", async () => {
      assert.deepEqual(await typed("wq status"), { code: 3, out: "", err: outside });
      const bare = await typed(`node '${join(project, "cli/wq.mjs")}' status`, { evaluated: false });
      assert.deepEqual(bare, { code: 3, out: "", err: outside });
    });

    it("finds the stack of `npm start` in a shell with the platform's environment, in any folder", async () => {
      mkdirSync(state);
      // A stack that `npm start` leaves.
      const location = { stack: stack.name, configFile: stack.file, env: stack.env };
      writeFileSync(join(state, "stack.json"), JSON.stringify(location));
      for (const cwd of [elsewhere, project, join(project, "queue")]) {
        const { code, out, err } = await typed("wq status", { cwd });
        assert.deepEqual([code, err], [1, ""], cwd);
        assert.match(out, new RegExp(`^job2 \\(stack ${stack.name}\\) {2}finished in .*, 6 items failed\n`));
      }
    });

    it("tries an item with the handler or the program of that stack", async () => {
      writeFileSync(
        join(project, "work.py"),
        "def handle_batch(items, context):\n    return ['peeled ' + i for i in items]\n",
      );
      stack.set({ handler: "work.py", batch: 4 });
      const tried = await typed("wq try apple", { cwd: project });
      assert.deepEqual([tried.out, tried.code], ['Working on apple\nDone: "peeled apple"', 0], tried.err);
      const program = `echo '{"ready":true}' >&3; while read -r line; do echo '{"id":1,"result":2}' >&3; done`;
      stack.set({ handler: undefined, batch: undefined, command: ["sh", "-c", program], serve: true });
      assert.equal((await typed("wq try apple", { cwd: project })).out, "Working on apple\nDone: 2");
      stack.set({ command: undefined, serve: undefined });
    });

    it("has the Node.js that the program needs, also if the machine's is older", async () => {
      const { out } = await typed("node --version");
      const [major, minor] = out.slice(1).split(".").map(Number);
      assert.ok(major! > 22 || (major === 22 && minor! >= 18), out);
    });

    it("finds the stack of `npm start` in its checkout without that environment", async () => {
      const { code, out, err } = await typed("npx --no wq results --csv", {
        evaluated: false,
        cwd: join(project, "cli"),
      });
      assert.deepEqual([code, err, out.split("\n").length], [0, "", 61]);
    });

    it("lists and purges the batch of its Redis", async () => {
      const list = await stack.wq("list", "--json");
      const { queue, owner, failed, memoryBytes } = JSON.parse(list.out) as Record<string, unknown>;
      assert.deepEqual([queue, owner, failed], ["job2", `job-wq-2/${stack.name}`, 6], list.err);
      assert.ok(Number(memoryBytes) > 1_000);
      assert.equal((await stack.wq("purge", "job2")).out, "Deleted job2: 60 items.");
      assert.equal((await stack.wq("list")).out, "There is no batch in this Redis.");
      assert.equal((await stack.wq("results")).code, 3);
    });
  });
});
