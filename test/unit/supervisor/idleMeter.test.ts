import assert from "node:assert/strict";
import { IdleMeter } from "../../../supervisor/idleMeter.ts";
import { counts, NOW } from "../../support/looks.ts";

describe("the meter of idle time", () => {
  const look = (meter: IdleMeter, ms: number, running: number, workersAlive = 4) =>
    meter.look(counts({ now: NOW + ms, running, workersAlive }));

  it("counts the workers that must have had nothing in flight", () => {
    const meter = new IdleMeter(1);
    const times = [look(meter, 0, 4), look(meter, 1_000, 4), look(meter, 2_000, 1), look(meter, 3_000, 5)];
    assert.deepEqual(times, [
      undefined,
      { aliveMs: 4_000, idleMs: 0 },
      { aliveMs: 4_000, idleMs: 3_000 },
      { aliveMs: 4_000, idleMs: 0 },
    ]);
  });

  it("counts one worker as busy for each `concurrency` items in flight", () => {
    const meter = new IdleMeter(8);
    look(meter, 0, 9);
    assert.deepEqual(look(meter, 1_000, 9), { aliveMs: 4_000, idleMs: 2_000 });
  });

  it("leaves out times without a look, and times without workers", () => {
    const meter = new IdleMeter(1);
    look(meter, 0, 0);
    assert.equal(look(meter, 60_000, 0), undefined);
    assert.equal(look(meter, 61_000, 0, 0), undefined);
  });
});
