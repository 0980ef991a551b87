import assert from "node:assert/strict";
import type { Counts } from "../../../queue/index.ts";
import { summarize } from "../../../supervisor/verdict.ts";

const finished: Counts = {
  state: "finished",
  owner: "a/b",
  total: 9,
  waiting: 0,
  running: 0,
  delayed: 0,
  suspects: 0,
  done: 9,
  dead: 0,
  lost: 0,
  retried: 0,
  external: 0,
  startedAt: 1,
  endedAt: 2,
  workersAlive: 0,
  nextDueAt: 0,
  dueSoon: 0,
  now: 3,
};
const advice = "(why: npx --no wq failed; again: npx --no wq retry)";
const missing =
  "missing: another program took them, or Redis lost them (another `run` runs all items again, `allowFailures` lets them pass)";
const failed = { ...finished, done: 7, dead: 2 };

const verdicts: [title: string, counts: Counts, failed: string[], allow: boolean, line: string, passes: boolean][] = [
  ["all done", finished, [], false, "all 9 items done", true],
  ["one item", { ...finished, total: 1, done: 1 }, [], false, "the 1 item done", true],
  [
    "an item that came too late",
    { ...finished, waiting: 1 },
    [],
    false,
    "all 9 items done; 1 item pushed after the end, not run (to run: npx --no wq resume)",
    true,
  ],
  ["none", { ...finished, total: 0, done: 0 }, [], false, "all 0 items done", true],
  ["some failed", failed, ["banana", "fig"], false, `2 of 9 items failed: banana, fig ${advice}`, false],
  ["some failed, and may", failed, ["banana", "fig"], true, `2 of 9 items failed: banana, fig ${advice}`, true],
  [
    "names that hold what lists are made with",
    failed,
    ['{"id":71,"broken":', "a, b"],
    false,
    `2 of 9 items failed: '{"id":71,"broken":', 'a, b' ${advice}`,
    false,
  ],
  [
    "more than are named",
    { ...failed, dead: 4 },
    ["a", "b"],
    false,
    `4 of 9 items failed: a, b, and 2 more ${advice}`,
    false,
  ],
  [
    "aborted",
    { ...failed, state: "aborted", reason: "no" },
    [],
    true,
    "the batch was aborted: no; 7 of 9 done (again: npx --no wq retry)",
    false,
  ],
  ["not over", { ...failed, state: "open" }, [], true, "the batch is not finished (open): 7 of 9 done", false],
  [
    "items that another program took, or that Redis lost",
    { ...finished, done: 6, external: 3 },
    [],
    false,
    `6 of 9 items done; 3 items ${missing}`,
    false,
  ],
  ["the same, and they may", { ...finished, done: 8 }, [], true, `8 of 9 items done; 1 item ${missing}`, true],
  [
    "some of each",
    { ...failed, done: 6 },
    ["fig"],
    false,
    `2 of 9 items failed: fig, and 1 more; 1 item ${missing} ${advice}`,
    false,
  ],
];

describe("the verdict", () => {
  for (const [title, counts, names, allow, line, passes] of verdicts) {
    it(title, () => assert.deepEqual(summarize(counts, names, allow), { line, passes }));
  }
});
