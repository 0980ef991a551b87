import assert from "node:assert/strict";
import type { Run } from "../../../../bench/proof/runs.ts";
import { balance, disturbance } from "../../../../bench/proof/tally.ts";

const run = (name: string, item: string, start: number, end?: number, pod = "p"): [string, Run] => [
  name,
  { item, run: name, pod, start, ...(end !== undefined && { end }) },
];
const done = (item: string, result: unknown) => ({ item, outcome: "done", result });

describe("balance of a batch", () => {
  const runs = new Map([run("x", "1", 0, 10), run("y", "2", 0, 10), run("z", "3", 0)]);

  it("counts each item once", () => {
    assert.deepEqual(balance(["1", "2"], [done("1", "x"), done("2", "y")], runs), {
      done: 2,
      dead: 0,
      lost: 0,
      duplicated: 0,
    });
  });

  it("counts as lost an item without a result, unsettled, or with a result of a run that did not end or was another's", () => {
    assert.equal(balance(["1", "2"], [done("1", "x")], runs).lost, 1);
    assert.equal(balance(["1"], [{ item: "1", outcome: "running", result: null }], runs).lost, 1);
    assert.equal(balance(["3"], [done("3", "z")], runs).lost, 1);
    assert.equal(balance(["1"], [done("1", "y")], runs).lost, 1);
    assert.equal(balance(["1"], [done("1", null)], runs).lost, 1);
  });

  it("counts a second result of an item, and a result of no item", () => {
    assert.equal(balance(["1"], [done("1", "x"), done("1", "x")], runs).duplicated, 1);
    assert.equal(balance(["1"], [done("1", "x"), done("2", "y")], runs).duplicated, 1);
  });

  it("counts the dead apart", () => {
    assert.deepEqual(balance(["1"], [{ item: "1", outcome: "failed", result: null }], runs), {
      done: 0,
      dead: 1,
      lost: 0,
      duplicated: 0,
    });
  });
});

describe("disturbance of a batch", () => {
  it("is none without a fault", () => {
    assert.deepEqual(disturbance(new Map([run("x", "1", 0, 10)]).values(), []), { again: 0, cut: 0 });
  });

  it("counts runs that were cut short, and the time until their items ran again", () => {
    const runs = [
      run("a", "1", 0, undefined, "p"),
      run("b", "1", 900, 950, "q"),
      run("c", "2", 50, undefined, "p"),
      run("d", "2", 1_100, 1_200, "q"),
      run("e", "3", 0, 120, "q"),
    ];
    assert.deepEqual(disturbance(new Map(runs).values(), [{ what: "", at: 100, pods: ["p"] }]), {
      again: 2,
      cut: 2,
      takenOver: { median: 1_000, longest: 1_000 },
      firstEnd: 850,
    });
  });

  it("counts from the end of a fault that lasts", () => {
    const runs = [run("a", "1", 0, 300), run("b", "2", 250, 310), run("c", "3", 500, 520)];
    const { firstEnd } = disturbance(new Map(runs).values(), [{ what: "", at: 100, until: 400, pods: [] }]);
    assert.equal(firstEnd, 120);
  });
});
