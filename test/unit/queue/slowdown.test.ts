import assert from "node:assert/strict";
import { Slowdown } from "../../../queue/consumer/slowdown.ts";

describe("a worker whose items all fail", () => {
  const report = (loadMs?: number) => {
    const slowdown = new Slowdown(loadMs);
    for (let id = 0; id < 5; id++) slowdown.onFailure(id, "no", 1_000 * id, false, 1_000 * (id + 1));
    return slowdown.report(100_000).failing;
  };

  it("reports since when", () => {
    assert.equal(report()!.forMs, 100_000);
  });

  it("leaves others the time in which it was made ready itself: they may still load", () => {
    assert.equal(report(60_000)!.forMs, 40_000);
  });
});
