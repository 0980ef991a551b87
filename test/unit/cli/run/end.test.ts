import assert from "node:assert/strict";
import { whyLeft } from "../../../../cli/run/end.ts";
import { UserError } from "../../../../cli/errors.ts";
import { FailureGroups } from "../../../../cli/view/failureGroups.ts";
import type { Counts } from "../../../../queue/index.ts";

describe("the end of a run", () => {
  const trouble = new UserError("the cluster is away");
  const unread = "Redis is away";
  const unreadable = "its results could not be read: Redis is away";
  const nothing = { state: "open", total: 9, waiting: 9, running: 0, done: 0, dead: 0 } as Counts;
  const begun = { ...nothing, waiting: 4, running: 2, done: 2, dead: 1 };
  const over = { ...nothing, state: "finished", waiting: 0, done: 9 } as Counts;

  for (const [title, state, up, why] of [
    ["leaves work that has begun if its `up` failed", { counts: begun }, trouble, trouble.message],
    ["leaves it also if it cannot be read", { counts: begun, unread }, trouble, trouble.message],
    ["leaves rows that were not read", { counts: over, unread }, undefined, unreadable],
    ["leaves a run that nobody could read", { unread }, undefined, unreadable],
    ["removes a run that never began", { counts: nothing }, trouble, undefined],
    ["removes a run without items yet", { counts: { ...nothing, total: 0, waiting: 0 } }, trouble, undefined],
    ["removes a run whose `up` failed before it had a queue", { unread }, trouble, undefined],
    ["removes a run that is over, whatever `up` says", { counts: over }, trouble, undefined],
    ["removes a run whose workers have ended", { counts: begun, isDeserted: true }, undefined, undefined],
  ] as const)
    it(title, () => assert.equal(whyLeft({ failures: new FailureGroups(), ...state }, up)?.message, why));
});
