import assert from "node:assert/strict";
import { Chalk } from "chalk";
import stringWidth from "string-width";
import { dashboard, type Surface } from "../../../../cli/view/dashboard.ts";
import { counts, NOW, worker } from "../../../support/looks.ts";

const chalk = new Chalk({ level: 0 });
const terminal: Surface = { columns: 80, rows: 24, terminal: true, chalk };
const pipe: Surface = { columns: Infinity, rows: 24, terminal: false, chalk };
const item = (text: string, seconds: number) => ({ id: 1, payload: Buffer.from(text), since: NOW - seconds * 1000 });
const pace = { rate: 10, spread: 2 };

describe("the screen of status", () => {
  it("shows counts, a bar, the rate, and one line per worker", () => {
    const workers = [
      worker("pod-2", { done: 12, failed: 1, inFlight: [item("cherry", 2)] }),
      worker("pod-1", { done: 28, node: "node-2" }),
    ];
    assert.deepEqual(
      dashboard("job2 (stack dev)", { counts: counts(), workers, throughput: pace }, terminal).split("\n"),
      [
        "job2 (stack dev)  running for 10s",
        `${"█".repeat(23)}${"░".repeat(35)}  40 of 100 items 40 %`,
        "done 40   running 10   waiting 50   retrying 0   failed 0",
        "10 items/s, 6s left (3s to 12s)",
        "",
        "WORKER  NODE    DONE  FAILED  HEARD      SINCE  IN FLIGHT",
        "pod-1   node-2  28    -       500ms ago  -      -",
        "pod-2   node-1  12    1       500ms ago  2s     cherry",
      ],
    );
  });

  it("marks a worker that is no longer alive, also in a large fleet, which reports less often", () => {
    const coloured = { ...terminal, chalk: new Chalk({ level: 1 }) };
    const long = { lastSeen: NOW - 50_000 };
    const heard = (alive: boolean) =>
      dashboard("job2", { counts: counts(), workers: [worker("pod-1", { ...long, alive })] }, coloured)
        .split("\n")
        .find((line) => line.startsWith("pod-1"));
    assert.ok(!heard(true)!.includes("\u001b["), heard(true));
    assert.ok(heard(false)!.includes("\u001b[33m50s ago"), heard(false));
  });

  it("has no bar if there is no terminal", () => {
    assert.equal(dashboard("job2", { counts: counts(), workers: [] }, pipe).split("\n")[1], "40 of 100 items 40 %");
  });

  it("says how much of the workers' time was idle, if the supervisor measured it", () => {
    const text = dashboard("job2", { counts: counts(), workers: [], idleShare: 0.128 }, pipe);
    assert.equal(text.split("\n").at(-1), "workers idle 13 % of their time");
  });

  it("says what keeps the workers' pods from working", () => {
    const podProblem = "Pod w keeps ending, with exit code 1: no such token";
    const text = dashboard("job2", { counts: counts(), workers: [], podProblem }, pipe);
    assert.equal(text.split("\n").at(-1), podProblem);
  });

  it("says what went wrong on the way", () => {
    const text = dashboard("job2", { counts: counts({ retried: 3, lost: 1, external: 2 }), workers: [] }, pipe);
    assert.equal(
      text.split("\n").at(-1),
      "3 attempts failed and retried, 1 attempt lost with their worker, 2 items taken by another program, or lost by Redis",
    );
  });

  it("counts the other items of a worker also if the first is cut", () => {
    const hand = ["https://example.com/a/long/way/down/to/it", "b", "c", "d"].map((text, i) => item(text, 9 - i));
    const workers = [worker("job-wq-2-x7k2p", { inFlight: hand })];
    const lines = dashboard("job2", { counts: counts(), workers }, terminal).split("\n");
    const row = lines.find((line) => line.startsWith("job-wq-2-x7k2p"))!;
    assert.match(row, /… +\+3$/);
    assert.ok(stringWidth(row) <= 80, row);
  });

  it("names the slowest items in flight if workers hold several", () => {
    const hand = [item("a", 1), item("b", 90), item("c", 30)];
    const workers = [worker("pod-1", { inFlight: hand }), worker("pod-2", { inFlight: [item("d", 60)] })];
    const lines = dashboard("job2", { counts: counts(), workers }, terminal).split("\n");
    assert.match(
      lines.find((line) => line.startsWith("pod-1"))!,
      / 1m 30s +b +\+2$/,
    );
    assert.deepEqual(lines.slice(-5), [
      "SLOWEST  WORKER  ITEM",
      "1m 30s   pod-1   b",
      "1m       pod-2   d",
      "30s      pod-1   c",
      "1s       pod-1   a",
    ]);
  });

  it("counts the workers there is no room for; a file has room for all", () => {
    const workers = Array.from({ length: 100 }, (_, i) => worker(`pod-${String(i).padStart(3, "0")}`));
    const lines = dashboard("job2", { counts: counts(), workers }, terminal).split("\n");
    assert.ok(lines.length <= terminal.rows, `${lines.length} lines`);
    const shown = lines.filter((line) => line.startsWith("pod-")).length;
    assert.equal(lines.at(-1), `and ${100 - shown} more workers`);
    const all = dashboard("job2", { counts: counts(), workers }, pipe).split("\n");
    assert.equal(all.filter((line) => line.startsWith("pod-")).length, 100);
  });

  it("stays within the terminal, whatever an item or a reason holds", () => {
    const hostile = `\u001b[2J\n${"long 長い ".repeat(100)}`;
    const workers = [worker("p".repeat(60), { inFlight: [item(hostile, 1), item(hostile, 2)] })];
    for (const columns of [80, 120]) {
      const state = counts({ state: "aborted", reason: hostile });
      for (const line of dashboard("job2", { counts: state, workers }, { ...terminal, columns }).split("\n")) {
        assert.ok(!line.includes("\u001b"), JSON.stringify(line));
        assert.ok(stringWidth(line) <= columns, `${line.length}: ${line}`);
      }
    }
  });
});
