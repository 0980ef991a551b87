import assert from "node:assert/strict";
import { Chalk } from "chalk";
import { progressBar, progressLine, stateText } from "../../../../cli/view/progressBar.ts";
import type { Counts } from "../../../../queue/types.ts";
import { counts, NOW } from "../../../support/looks.ts";

const plain = new Chalk({ level: 0 });
const colours = new Chalk({ level: 1 });
const [RED, GREEN] = ["\u001b[31m", "\u001b[32m"];

const bars: [counts: Partial<Counts>, text: string][] = [
  [{ done: 0 }, "░░░░░░░░░░"],
  [{ done: 40 }, "████░░░░░░"],
  [{ done: 40, dead: 20 }, "██████░░░░"],
  [{ done: 100 }, "██████████"],
  [{ done: 200 }, "██████████"],
  [{ done: 0, total: 0 }, "░░░░░░░░░░"],
];

const states: [counts: Partial<Counts>, text: string][] = [
  [{ state: "seeding" }, "being filled"],
  [{ state: "open", startedAt: 0 }, "waiting for workers"],
  [{ state: "open", startedAt: 0, total: 0, owner: "" }, "nothing in it yet"],
  [{ state: "open" }, "running for 10s"],
  [{ state: "paused" }, "paused: nothing new starts"],
  [{ state: "aborted", reason: "the handler does not load" }, "aborted: the handler does not load"],
  [{ state: "aborted" }, "aborted: no reason given"],
  [{ state: "finished", endedAt: NOW + 5_000 }, "finished in 15s"],
  [{ state: "finished", endedAt: NOW, dead: 1 }, "finished in 10s, 1 item failed"],
  [{ state: "finished", startedAt: 0, endedAt: NOW, total: 0 }, "finished"],
];

const pace = { rate: 10, spread: 2 };
const lines: [what: string, counts: Partial<Counts>, withPace: boolean, text: string][] = [
  ["at first", { done: 0, running: 0, startedAt: 0 }, false, "0 of 100 items"],
  ["with a pace", {}, true, "40 of 100 items, 10 running, 10 items/s, 6s left (3s to 12s)"],
  ["with failures", { dead: 2, delayed: 3 }, false, "42 of 100 items, 2 failed, 10 running, 3 retrying"],
  ["paused", { state: "paused", running: 0 }, true, "40 of 100 items, paused: nothing new starts"],
  ["at the end", { state: "finished", running: 0, done: 100, endedAt: NOW }, true, "100 of 100 items, finished in 10s"],
];

describe("the bar", () => {
  for (const [given, text] of bars) {
    it(`${JSON.stringify(given)} is ${text}`, () => assert.equal(progressBar(counts(given), 10, plain), text));
  }
  it("is green, and red if items failed", () => {
    assert.ok(progressBar(counts(), 10, colours).startsWith(`${GREEN}████`));
    assert.ok(progressBar(counts({ dead: 1 }), 10, colours).startsWith(`${RED}████`));
  });
});

describe("the state in words", () => {
  for (const [given, text] of states) it(text, () => assert.equal(stateText(counts(given)), text));
});

describe("progress on a line", () => {
  for (const [what, given, withPace, text] of lines) {
    it(what, () => assert.equal(progressLine(counts(given), withPace ? pace : undefined), text));
  }
  it("counts in minutes if it is slow", () => {
    assert.match(progressLine(counts(), { rate: 0.05, spread: 1 }), /, 3 items\/min, 20m left \(20m to 20m\)$/);
  });
});
