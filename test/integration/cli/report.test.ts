import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { collect } from "../../../cli/report/collect.ts";
import { html } from "../../../cli/report/html.ts";
import type { Counts, ItemRecord } from "../../../queue/types.ts";
import { startChromium } from "../../support/chromium.ts";
import { startRedis, type TestRedis } from "../../support/redis.ts";
import { ndjson, runFruits, wq } from "../../support/fruits.ts";

const counts: Counts = {
  state: "finished",
  owner: "a/b",
  total: 0,
  waiting: 0,
  running: 0,
  delayed: 0,
  suspects: 0,
  done: 0,
  dead: 0,
  lost: 0,
  retried: 0,
  external: 0,
  startedAt: 1_000,
  endedAt: 9_000,
  workersAlive: 0,
  nextDueAt: 0,
  dueSoon: 0,
  now: 1_800_000_000_000,
};

/** Items of 20 slots in 4 pods; every 1000th fails. */
function* many(n: number): Iterable<ItemRecord> {
  const begin = 1_790_000_000_000;
  for (let id = 1; id <= n; id++) {
    const [slot, turn] = [id % 20, Math.floor(id / 20)];
    const start = begin + turn * 1000;
    const dead = id % 1000 === 0;
    const end = start + 100 + ((id * 7919) % 800);
    yield {
      id,
      payload: Buffer.from(`item-${id}`),
      outcome: dead ? "dead" : "done",
      ...(dead ? { reason: `no such page: item-${id}` } : { value: String(id) }),
      attempts: [{ pod: `pod-${slot % 4}`, node: "n", start, end, outcome: dead ? "failed" : "done" }],
    };
  }
}

describe("report in Chromium", function () {
  this.timeout(600_000); // a machine without Chromium installs it
  let browser: Browser;
  let redis: TestRedis;
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-report-"));

  before(async () => {
    browser = await startChromium();
    redis = await startRedis();
    await runFruits(redis.url);
  });
  after(async () => {
    await browser?.close();
    await redis?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Opens a report. `bad` gets its errors and its requests to the network. */
  async function open(file: string, colorScheme: "light" | "dark" = "light"): Promise<{ page: Page; bad: string[] }> {
    const page = await (await browser.newContext({ colorScheme })).newPage();
    const bad: string[] = [];
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) bad.push(message.text());
    });
    page.on("pageerror", (error) => bad.push(String(error)));
    page.on("request", (request) => {
      if (!/^(data:|file:.*\.html$)/.test(request.url())) bad.push(request.url());
    });
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector("html[data-ready]");
    return { page, bad };
  }
  const sum = (page: Page, id: string) => page.textContent(`#sum-${id}`);
  const rows = (page: Page) =>
    page.$$eval("tbody tr", (lines) => lines.map((line) => [...line.children].map((cell) => cell.textContent)));
  /** Colours of a painted chart, the most frequent first. */
  const painted = async (page: Page, id: string) => {
    // It paints in the next frame.
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    const pixels = await page.evaluate<Record<string, number>>(`{
      const [canvas, more] = document.querySelectorAll("#${id} canvas");
      if (more) throw new Error("${id} has two layers");
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
      const seen = {};
      for (let i = 0; i < data.length; i += 4) {
        const key = data[i] + "," + data[i + 1] + "," + data[i + 2];
        seen[key] = (seen[key] ?? 0) + 1;
      }
      seen;
    }`);
    return Object.entries(pixels)
      .sort((a, b) => b[1] - a[1])
      .map(([key]) => key);
  };

  it("draws nine items, with the numbers of `results`", async () => {
    const file = join(dir, "fruits.html");
    const { exitCode } = await wq(redis.url, "report", "-o", file);
    assert.equal(exitCode, 0);
    const results = ndjson((await wq(redis.url, "results")).stdout);
    const { page, bad } = await open(file);
    assert.equal(await sum(page, "items"), String(results.length));
    for (const outcome of ["done", "dead"] as const) {
      assert.equal(
        await sum(page, outcome),
        String(results.filter((row) => row.outcome === (outcome === "dead" ? "failed" : outcome)).length),
      );
    }
    assert.equal(await sum(page, "attempts"), String(results.reduce((n, row) => n + row.attempts, 0)));
    const shown = (await rows(page)).map(([id, item, outcome, result, attempts, pod, , , reason]) => ({
      id: Number(id),
      item,
      outcome,
      result,
      attempts: Number(attempts),
      pod,
      reason,
    }));
    assert.deepEqual(
      shown,
      results.map(({ id, item, outcome, result, attempts, pod, reason }) => ({
        id,
        item,
        outcome,
        attempts,
        pod,
        reason: reason?.split("\n")[0] && shown[id - 1]!.reason,
        result: result === null ? "" : JSON.stringify(result),
        ...(reason === null && { reason: "" }),
      })),
    );
    const durations = results.map((row) => row.duration!).sort((a, b) => a - b);
    const p50 = durations[Math.ceil(durations.length / 2) - 1]!;
    assert.match((await page.textContent("#quantiles"))!, new RegExp(`p50 ${p50}ms, p95 ${durations.at(-1)}ms`));
    assert.ok((await painted(page, "timeline")).includes("46,125,79"), "a bar that is done");
    assert.ok((await painted(page, "timeline")).includes("198,47,59"), "a bar that failed");
    assert.deepEqual(await page.$$eval("#reasons li", (lines) => lines.map((line) => line.textContent)), [
      "1: slipped on …",
      "1: … is not ripe",
    ]);
    for (const id of ["throughput", "durations"]) {
      assert.ok((await painted(page, id)).length > 3, id);
    }
    assert.deepEqual(bad, []);
  });

  it("searches and sorts", async () => {
    const file = join(dir, "fruits.html");
    await wq(redis.url, "report", "-o", file);
    const { page, bad } = await open(file);
    await page.fill("#search", "slipped");
    assert.deepEqual(
      (await rows(page)).map(([, item]) => item),
      ["banana"],
    );
    assert.equal(await page.textContent("#found"), "1 of 9 items");
    await page.fill("#search", "no such thing");
    assert.deepEqual(await rows(page), []);
    await page.fill("#search", "");
    await page.click("th:nth-child(2) button");
    await page.click("th:nth-child(2) button");
    const items = (await rows(page)).map(([, item]) => item!);
    assert.deepEqual(items, items.toSorted().reverse());
    assert.deepEqual(bad, []);
  });

  it("is dark if the reader's system is", async () => {
    const file = join(dir, "fruits.html");
    await wq(redis.url, "report", "-o", file);
    const { page, bad } = await open(file, "dark");
    assert.equal((await painted(page, "timeline"))[0], "20,23,29");
    await page.emulateMedia({ colorScheme: "light" });
    assert.equal((await painted(page, "timeline"))[0], "255,255,255");
    assert.deepEqual(bad, []);
  });

  it("draws 100,000 items as sums, not each by itself, and finds one of them", async () => {
    const data = await collect("job2", { ...counts, total: 100_000, done: 99_900, dead: 100 }, many(100_000));
    assert.deepEqual(data.timeline.bars, []);
    assert.ok(data.timeline.cells.length <= 20 * 301, `${data.timeline.cells.length} cells`);
    assert.equal(data.timeline.lanes.length, 20);
    const ended = data.timeline.cells.reduce((n, [, , , ended]) => n + ended, 0);
    assert.equal(ended, 100_000);
    const file = join(dir, "many.html");
    writeFileSync(file, html(data));
    assert.ok(statSync(file).size < 20e6, `${statSync(file).size} bytes`);
    const { page, bad } = await open(file);
    assert.equal(await sum(page, "done"), "99,900");
    assert.equal(await sum(page, "dead"), "100");
    assert.equal((await rows(page)).length, 50);
    await page.fill("#search", "item-77000");
    assert.deepEqual(
      (await rows(page)).map(([id, item, outcome]) => [id, item, outcome]),
      [["77000", "item-77000", "failed"]],
    );
    assert.ok((await painted(page, "timeline")).includes("198,47,59"), "slices with failures");
    assert.deepEqual(bad, []);
  });

  it("shows hostile text as text", async () => {
    const text = `</script><script>document.title="owned"</script><img src=x onerror="document.title='owned'">`;
    const record: ItemRecord = {
      id: 1,
      payload: Buffer.from(text),
      outcome: "dead",
      reason: text,
      attempts: [{ pod: text, start: 1, end: 2, outcome: "failed" }],
    };
    const file = join(dir, "hostile.html");
    writeFileSync(file, html(await collect(text, counts, [record])));
    const { page, bad } = await open(file);
    assert.equal((await rows(page))[0]![1], text);
    await page.hover("#timeline canvas", { position: { x: 500, y: 40 } });
    assert.equal(await page.title(), text);
    assert.deepEqual(bad, []);
  });

  it("says so if nothing has happened yet", async () => {
    const file = join(dir, "empty.html");
    writeFileSync(file, html(await collect("job2", { ...counts, state: "open", startedAt: 0 }, [])));
    const { page, bad } = await open(file);
    assert.equal(await sum(page, "items"), "0");
    assert.match((await page.textContent("#state"))!, /^waiting for workers; read /);
    assert.deepEqual(bad, []);
  });
});
