import assert from "node:assert/strict";
import { progressLine } from "../../../supervisor/progress.ts";
import { counts, NOW } from "../../support/looks.ts";

describe("the line of progress", () => {
  const look = (seconds: number, done: number) => counts({ now: NOW + seconds * 1_000, done, total: 100 });

  it("says how much time is left, at a limited rate", () => {
    const line = progressLine(5_000);
    assert.deepEqual(
      [look(0, 0), look(1, 10), look(5, 20)].map((one) => line(one)),
      ["0 of 100 items", undefined, "20 of 100 items, about 20 s left"],
    );
  });

  it("goes on from a clock that went back", () => {
    const line = progressLine(5_000);
    assert.deepEqual(
      [look(3_600, 0), look(0, 10), look(5, 20)].map((one) => line(one)),
      ["0 of 100 items", "10 of 100 items", "20 of 100 items, about 40 s left"],
    );
  });
});
