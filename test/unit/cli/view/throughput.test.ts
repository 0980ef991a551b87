import assert from "node:assert/strict";
import { type Throughput, workerThroughput, RateEstimator, timeLeft } from "../../../../cli/view/throughput.ts";
import { counts, NOW, worker } from "../../../support/looks.ts";

/** The throughput after looks at these moments (s) with this many items done. */
function after(looks: [seconds: number, done: number][], state: "open" | "paused" = "open"): Throughput | undefined {
  const pacer = new RateEstimator();
  for (const [seconds, done] of looks)
    pacer.sample(counts({ state, done, total: 1_000_000, now: NOW + seconds * 1000 }));
  return pacer.throughput();
}
const steady = (seconds: number, rate: number): [number, number][] =>
  Array.from({ length: seconds + 1 }, (_, second) => [second, second * rate]);
const near = (value: number, wanted: number) => assert.ok(Math.abs(value / wanted - 1) < 0.01, `${value}, ${wanted}`);

describe("the pace", () => {
  it("says nothing after a few items or a few seconds", () => {
    assert.equal(after([[0, 0]]), undefined);
    assert.equal(after(steady(9, 100)), undefined);
    assert.equal(after(steady(60, 0.1)), undefined);
    assert.ok(after(steady(10, 1)));
  });

  it("is the rate that was seen, with little spread if that was steady", () => {
    const pace = after(steady(30, 20))!;
    near(pace.rate, 20);
    assert.ok(pace.spread > 1 && pace.spread < 1.02, `${pace.spread}`);
  });

  it("has more spread if items came in bursts", () => {
    const bursts = steady(30, 20).map(([second, done]): [number, number] => [second, done - (done % 200)]);
    assert.ok(after(bursts)!.spread > 1.1);
  });

  it("follows a change of workers within a minute or two", () => {
    const slow = steady(300, 1);
    const fast = steady(120, 50).map(([second, done]): [number, number] => [301 + second, 301 + done]);
    near(after([...slow, ...fast])!.rate, 50);
  });

  it("begins anew after a pause, or when items went back", () => {
    assert.equal(after(steady(30, 20), "paused"), undefined);
    assert.equal(after([...steady(30, 20), [31, 5], [32, 25]]), undefined);
  });

  it("is known at one look, from the items that live workers did since they started", () => {
    const pace = workerThroughput(
      [worker("a", { done: 50 }), worker("b", { done: 10, startedAt: NOW - 1_000 })],
      counts(),
    );
    near(pace!.rate, 50 / 10 + 10 / 1);
    assert.equal(workerThroughput([worker("a", { done: 2 })], counts()), undefined);
    assert.equal(workerThroughput([], counts()), undefined);
  });

  it("counts failed attempts only if they were an item's last", () => {
    const pace = workerThroughput([worker("a", { failed: 40 })], counts({ dead: 10, retried: 30 }));
    near(pace!.rate, 1);
  });

  it("gives the time left, with its spread", () => {
    assert.deepEqual(timeLeft({ total: 130, done: 28, dead: 2 }, { rate: 10, spread: 2 }), {
      ms: 10_000,
      low: 5_000,
      high: 20_000,
    });
  });
});
