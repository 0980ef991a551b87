import assert from "node:assert/strict";
import { StallWatch } from "../../../supervisor/stallWatch.ts";
import { counts, NOW } from "../../support/looks.ts";

describe("the watch for stalls", () => {
  const look = (seconds: number, done: number, state: "open" | "paused" = "open") =>
    counts({ now: NOW + seconds * 1_000, done, dead: 0, total: 10, running: 2, state });

  it("says once that no item was done or failed for so long, and again after the next stall", () => {
    const watch = new StallWatch(60_000);
    const said = [look(0, 3), look(59, 3), look(60, 3), look(200, 3), look(201, 4), look(262, 4)].map((one) =>
      watch.look(one),
    );
    const stalls = [
      undefined,
      undefined,
      "no item was done or failed for 1 min: 3 of 10 are over, 2 running",
      undefined,
      undefined,
      "no item was done or failed for 1 min: 4 of 10 are over, 2 running",
    ];
    assert.deepEqual(said, stalls);
  });

  it("begins anew if the clock goes back", () => {
    const watch = new StallWatch(60_000);
    const said = [look(4_000, 3), look(400, 3), look(460, 3)].map((one) => watch.look(one));
    assert.deepEqual(said, [undefined, undefined, "no item was done or failed for 1 min: 3 of 10 are over, 2 running"]);
  });

  it("does not count a pause", () => {
    const watch = new StallWatch(60_000);
    const said = [look(0, 3), look(100, 3, "paused"), look(159, 3), look(160, 3)].map((one) => watch.look(one));
    assert.deepEqual(said.slice(0, 3), [undefined, undefined, undefined]);
    assert.match(said[3]!, /1 min/);
  });
});
