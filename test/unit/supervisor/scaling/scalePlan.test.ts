import assert from "node:assert/strict";
import { ScalePlan } from "../../../../supervisor/scaling/scalePlan.ts";

const options = { min: 2, max: 10, concurrency: 4, idleAfterMs: 60_000 };
/** A look at the batch, `at` seconds after the first. */
const load = (at: number, waiting: number, running = 0, dueSoon = 0, suspects = 0) => ({
  now: 1_000_000 + at * 1_000,
  waiting,
  running,
  dueSoon,
  suspects,
});

describe("the plan of how many pods there should be", () => {
  it("has one pod for each group of items that a pod works on, within its bounds", () => {
    const needed = ([0, 1, 8, 9, 17, 1_000] as const).map((waiting) => new ScalePlan(options).next(load(0, waiting)));
    assert.deepEqual(needed, [2, 2, 2, 3, 5, 10]);
  });

  it("counts items in flight and those that are due soon", () => {
    assert.equal(new ScalePlan(options).next(load(0, 4, 5, 12)), 6);
  });

  it("has a pod for each suspect, which runs alone", () => {
    assert.equal(new ScalePlan(options).next(load(0, 4, 0, 5, 5)), 6);
  });

  it("grows at once, and shrinks when fewer pods were enough for a while", () => {
    const plan = new ScalePlan(options);
    const pods = [load(0, 8), load(1, 40), load(30, 12), load(60, 12), load(61, 12), load(90, 0), load(122, 0)].map(
      (look) => plan.next(look),
    );
    assert.deepEqual(pods, [2, 10, 10, 10, 3, 3, 2]);
  });

  it("shrinks to the number that was needed last, if nobody looked for a while", () => {
    const plan = new ScalePlan(options);
    plan.next(load(0, 40));
    assert.equal(plan.next(load(600, 0)), 2);
  });

  it("forgets what was needed before the clock went back", () => {
    const plan = new ScalePlan(options);
    plan.next(load(4_000, 40));
    assert.equal(plan.next(load(400, 0)), 2);
  });
});
