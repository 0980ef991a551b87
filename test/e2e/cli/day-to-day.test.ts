// The commands of day to day, beside an `up` that runs: through the cluster, as a person runs them.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ResultRow } from "../../../cli/view/resultRow.ts";
import { checkout, platformUp, TestStack } from "../../support/stack.ts";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

interface Status {
  state: string;
  total: number;
  waiting: number;
  running: number;
  delayed: number;
  done: number;
  dead: number;
}

describe("the commands, beside `up`", function () {
  this.timeout(180_000);
  const { project, remove } = checkout();
  const items = Array.from({ length: 60 }, (_, index) => `item-${index}`);
  const stack = new TestStack({ items, workSeconds: 0.5, maxAttempts: 1 }, { project });
  const status = async () => {
    const { code, out } = await stack.cli("status", "--json");
    return { code, now: out ? (JSON.parse(out) as Status) : undefined };
  };
  const over = ({ done, dead }: Status) => done + dead;
  /** Until it runs, and so many are over. */
  async function until(count: number): Promise<void> {
    for (let turn = 0; turn < 300; turn++, await sleep(200)) {
      const { now } = await status();
      if (now?.state === "open" && over(now) >= count) return;
    }
    assert.fail(`${count} items were never over`);
  }

  before(async function () {
    this.timeout(1_800_000);
    await platformUp();
    const handler = join(project, "worker/handler.ts");
    const bad = 'log("looking"); if (item.endsWith("7")) throw new Error(`${item} has a seven`);';
    const edited = readFileSync(handler, "utf8").replace("{ signal }", "{ signal, log }").replace("void item;", bad);
    writeFileSync(handler, edited);
    await stack.init();
  });
  after(async () => {
    await stack.remove();
    remove();
  });

  it("status adds up each time, never goes back, and ends as `results` has it", async () => {
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
      assert.equal(now.waiting + now.running + now.delayed + now.done + now.dead, now.total, JSON.stringify(now));
      assert.ok(index === 0 || over(now) >= over(seen[index - 1]!));
    }
    const last = seen.at(-1)!;
    assert.deepEqual([code, last.state, last.done, last.dead], [1, "finished", 54, 6]);
    assert.match((await up).text, /6 of 60 items failed: item-7, item-17/);

    const results = (await stack.cli("results")).out
      .split("\n")
      .map((line) => JSON.parse(line) as { item: string; outcome: string });
    assert.deepEqual(
      results.map(({ item }) => item),
      items,
    );
    assert.equal(results.filter(({ outcome }) => outcome === "done").length, last.done);
  });

  it("failed and logs say why", async () => {
    const failed = await stack.cli("failed");
    assert.match(failed.out, /6.*has a seven/);
    const { code, out } = await stack.cli("logs", "item-17");
    assert.equal(code, 0, out);
    assert.match(out, /item-17 has a seven[^]*looking/);
    assert.match((await stack.cli("logs", "item-99")).err, /^logs: [^\n]*item-99[^\n]*$/);
  });

  it("retry runs all that failed, or those that match, and nothing else", async () => {
    const attempts = async () => {
      const rows = (await stack.cli("results")).out.split("\n").map((line) => JSON.parse(line) as ResultRow);
      return Object.fromEntries(rows.filter((row) => row.attempts > 1).map(({ item, attempts }) => [item, attempts]));
    };
    const one = await stack.cli("retry", "--match", "item-17 has");
    assert.equal(one.code, 1, "it fails again");
    assert.match(one.out, /^Running 1 item again\.\n[^]*6 of 60 items failed/);
    assert.deepEqual(await attempts(), { "item-17": 2 });
    const all = await stack.cli("retry");
    assert.match(all.out, /^Running 6 items again\.\n[^]*6 of 60 items failed/);
    const sevens = ["item-7", "item-17", "item-27", "item-37", "item-47", "item-57"];
    assert.deepEqual(await attempts(), { ...Object.fromEntries(sevens.map((item) => [item, 2])), "item-17": 3 });
    assert.equal((await stack.cli("retry", "--match", "rotten")).out, "No failed item matches rotten.");
  });

  it("pause lets items in hand finish and none start, also through an `up` that waits; scale and resume go on", async () => {
    const up = stack.up({ run: "2" });
    await until(1);
    assert.equal((await stack.cli("pause")).code, 0);
    await sleep(1_500);
    const { now: paused } = await status();
    assert.equal(paused!.running, 0);
    await sleep(1_500);
    const { now: still } = await status();
    assert.deepEqual([still!.done, still!.waiting], [paused!.done, paused!.waiting]);
    const scaled = await stack.cli("scale", "4");
    assert.equal(scaled.code, 0, scaled.err);
    assert.equal((await stack.cli("resume")).code, 0);
    assert.match((await up).text, /6 of 60 items failed/);
    const pods = await stack.kubectl("get", "pods", "-l", "job-name=job-wq-2", "-o", "name");
    assert.equal(pods.split("\n").length, 4);
    const worked = await stack.items();
    assert.deepEqual(worked, [...items].sort(), "none lost, none twice");
  });
});
