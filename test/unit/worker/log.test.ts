import assert from "node:assert/strict";
import type { ConsumerEvent } from "../../../queue/index.ts";
import { jsonOf, logger, textLine } from "../../../worker/log.ts";

const payload = Buffer.from("banana");
const lines: [event: ConsumerEvent, line: string | undefined][] = [
  [{ type: "started", session: "abc", empty: false }, "Worker with sessionID: abc\nInitial queue state: empty=False"],
  [{ type: "started", session: "abc", empty: true }, "Worker with sessionID: abc\nInitial queue state: empty=True"],
  [{ type: "working", id: 1, payload, attempt: 1 }, "Working on banana"],
  [{ type: "done", id: 1, payload, ms: 3 }, undefined],
  [{ type: "waiting", forMs: 100 }, "Waiting for work"],
  [{ type: "ended", end: "finished" }, "Queue empty, exiting"],
  [{ type: "ended", end: "aborted" }, "Batch aborted, exiting"],
  [{ type: "log", id: 1, payload, line: "peeled" }, "peeled"],
  [
    { type: "failed", id: 1, payload, attempt: 1, why: "no peel\n    at x", retryInMs: 1500 },
    "Failed on banana (attempt 1): no peel; again in 1.5 s",
  ],
  [{ type: "failed", id: 1, payload, attempt: 3, why: "no peel" }, "Failed on banana (attempt 3): no peel; given up"],
  [{ type: "redis", up: false, why: "closed" }, "Redis is away: closed"],
];

describe("the worker's log", () => {
  for (const [event, line] of lines) it(`${event.type}: ${line}`, () => assert.equal(textLine(event), line));

  it("says once that it waits, not at every look", () => {
    const said: string[] = [];
    const log = logger("text", (line) => said.push(line));
    for (let look = 0; look < 3; look++) log({ type: "waiting", forMs: 1 });
    log({ type: "working", id: 1, payload, attempt: 1 });
    log({ type: "waiting", forMs: 1 });
    assert.deepEqual(said, ["Waiting for work", "Working on banana", "Waiting for work"]);
  });

  it("keeps an item on one line, and short", () => {
    const long = textLine({ type: "working", id: 1, payload: Buffer.from(`a\nb${"x".repeat(300)}`), attempt: 1 })!;
    assert.match(long, /^Working on a bx+…$/);
    assert.ok(long.length < 220);
  });

  it("is one line of JSON per event, with the item as text", () => {
    const { time, ...rest } = JSON.parse(jsonOf({ type: "done", id: 7, payload, ms: 12 })) as Record<string, unknown>;
    assert.ok(!Number.isNaN(Date.parse(String(time))));
    assert.deepEqual(rest, { event: "done", id: 7, ms: 12, item: "banana" });
  });
});
