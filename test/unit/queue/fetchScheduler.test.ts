import assert from "node:assert/strict";
import fc from "fast-check";
import { Lanes, type Standing } from "../../../queue/consumer/fetchScheduler.ts";

const nothing: Standing = { free: 1, inHand: 0, ahead: 0, room: 0, settled: 0, full: false };

/** A worker of one slot whose question at 1,000 ms brought nothing, and nothing is to be had for so long, ms. */
function idle(wait: number): Lanes {
  const lanes = new Lanes(1);
  const ask = lanes.next(nothing, 1_000);
  assert.deepEqual(ask, { want: 1, idle: true });
  lanes.end(lanes.begin(ask as { want: number; idle: boolean }));
  lanes.heard(1, 0, wait, 1_000);
  return lanes;
}

describe("an idle worker", () => {
  it("asks again when there may be something, and after 200 ms at the latest", () => {
    assert.deepEqual(idle(50).next(nothing, 1_010), { rest: 40 });
    assert.deepEqual(idle(50).next(nothing, 1_050), { want: 1, idle: true });
    assert.deepEqual(idle(3_600_000).next(nothing, 1_000), { rest: 200 });
    assert.deepEqual(idle(0).next(nothing, 1_000), { rest: 5 });
  });

  it("at any moment asks, or knows when to: none is asleep for ever", () => {
    const moment = fc.oneof(
      fc.double({ min: 1_000, max: 1_300, noNaN: true }),
      // A timer may be early by less than one ms, so a look comes as close to the end of the wait as it gets.
      fc.nat({ max: 8 }).map((steps) => 1_100 + (steps - 4) * 2 ** -42),
    );
    fc.assert(
      fc.property(moment, (now) => {
        const next = idle(100).next(nothing, now);
        if (now >= 1_100) assert.deepEqual(next, { want: 1, idle: true });
        else assert.ok(next && "rest" in next && next.rest > 0 && now + next.rest >= 1_100);
      }),
    );
  });

  it("says what was settled without waiting", () => {
    assert.deepEqual(idle(200).next({ ...nothing, settled: 1 }, 1_001), { want: 1, idle: true });
  });

  it("does not look again while it takes nothing more: an end, or a suspect in hand", () => {
    assert.equal(idle(200).next({ ...nothing, full: true }, 1_001), undefined);
    assert.equal(idle(200).next({ ...nothing, full: true }, 1_300), undefined);
  });
});
