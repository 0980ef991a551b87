import assert from "node:assert/strict";
import fc from "fast-check";
import { FetchScheduler, type WorkerLoad } from "../../../queue/consumer/fetchScheduler.ts";

const nothing: WorkerLoad = {
  freeSlots: 1,
  inFlight: 0,
  prefetched: 0,
  prefetchCapacity: 0,
  unacked: 0,
  reservesNothing: false,
  onlyLooks: false,
  freeLeases: 1_000,
  pace: { limit: Infinity, waitMs: 0 },
};

/** A worker of one slot whose call at 1,000 ms brought nothing. @param wait Time until something is due, ms. */
function idle(wait: number): FetchScheduler {
  const scheduler = new FetchScheduler(1);
  const request = scheduler.plan(nothing, 1_000);
  assert.deepEqual(request, { count: 1, exclusive: true, sample: false, isLook: false });
  scheduler.calls.finish(scheduler.calls.start(request));
  scheduler.onReply(request, { reserved: 0, pollMs: 200, dueMs: wait }, 1_000);
  return scheduler;
}

describe("an idle worker", () => {
  it("calls again when something is due, and after 200 ms at the latest", () => {
    assert.deepEqual(idle(50).plan(nothing, 1_010), { waitMs: 40 });
    assert.deepEqual(idle(50).plan(nothing, 1_050), { count: 1, exclusive: true, sample: false, isLook: false });
    assert.deepEqual(idle(3_600_000).plan(nothing, 1_000), { waitMs: 200 });
    assert.deepEqual(idle(0).plan(nothing, 1_000), { waitMs: 5 });
  });

  it("calls, or knows when to call, at any moment: none sleeps for ever", () => {
    const moment = fc.oneof(
      fc.double({ min: 1_000, max: 1_300, noNaN: true }),
      // A timer may be early by less than one ms, so a look comes as close to the end of the wait as it gets.
      fc.nat({ max: 8 }).map((steps) => 1_100 + (steps - 4) * 2 ** -42),
    );
    fc.assert(
      fc.property(moment, (now) => {
        const next = idle(100).plan(nothing, now);
        if (now >= 1_100) assert.deepEqual(next, { count: 1, exclusive: true, sample: false, isLook: false });
        else assert.ok(next && "waitMs" in next && next.waitMs > 0 && now + next.waitMs >= 1_100);
      }),
    );
  });

  it("reports outcomes without waiting", () => {
    assert.deepEqual(idle(200).plan({ ...nothing, unacked: 1 }, 1_001), {
      count: 1,
      exclusive: true,
      sample: false,
      isLook: false,
    });
  });

  it("looks for the end as often as other workers while it is slow", () => {
    const pace = { limit: 1, waitMs: 30_000 };
    assert.deepEqual(idle(-1).plan({ ...nothing, pace }, 1_100), { waitMs: 100 });
    const look = { count: 0, exclusive: false, sample: true, isLook: true };
    assert.deepEqual(idle(-1).plan({ ...nothing, pace }, 1_200), look);
  });

  it("looks no sooner for items that are left to others, while it takes nothing", () => {
    const scheduler = idle(0);
    const load = { ...nothing, inFlight: 1, freeSlots: 3, onlyLooks: true };
    const look = scheduler.plan(load, 1_200);
    assert.deepEqual(look, { count: 0, exclusive: false, sample: false, isLook: true });
    scheduler.calls.finish(scheduler.calls.start(look));
    scheduler.onReply(look, { reserved: 0, pollMs: 200, dueMs: 0 }, 1_200);
    assert.deepEqual(scheduler.plan(load, 1_300), { waitMs: 100 });
    // As soon as it may reserve items again, it does.
    assert.deepEqual(scheduler.plan(nothing, 1_300), { count: 1, exclusive: true, sample: false, isLook: false });
  });

  it("keeps looking while it is slow and longer items occupy it", () => {
    const load = { ...nothing, inFlight: 1, freeSlots: 7, pace: { limit: 1, waitMs: 0 } };
    const look = { count: 0, exclusive: false, sample: true, isLook: true };
    assert.deepEqual(idle(-1).plan(load, 1_200), look);
    assert.equal(idle(-1).plan({ ...load, freeSlots: 0 }, 1_200), undefined);
  });

  it("does not look while it reserves nothing: it ends, or has a suspect in flight", () => {
    assert.equal(idle(200).plan({ ...nothing, reservesNothing: true }, 1_001), undefined);
    assert.equal(idle(200).plan({ ...nothing, reservesNothing: true }, 1_300), undefined);
  });
});
