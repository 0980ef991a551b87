import assert from "node:assert/strict";
import type { V1Job } from "@kubernetes/client-node";
import { FOLLOWS, INSTEAD_OF, insteadOf, isCutOff, RUNS_FOR, willRun } from "../../../components/cluster/liveJobs.ts";

const job = (uid: string, annotations: Record<string, string> = {}, end?: string): V1Job => ({
  metadata: { name: "j", uid, annotations },
  status: end ? { conditions: [{ type: end, status: "True" }] } : {},
});

describe("a Job that an earlier `up` left", () => {
  const next = job("2", { [FOLLOWS]: "0 1" });

  it("stays as it is if another Job follows it", () => {
    assert.equal(insteadOf(job("1"), next), "");
    assert.equal(insteadOf(job("1", {}, "Complete"), next), "");
    assert.equal(insteadOf(job("1"), "none"), "");
    assert.equal(insteadOf(undefined, next), "");
  });

  it("is created again, once, if it failed", () => {
    assert.equal(insteadOf(job("1", {}, "Failed"), next), "1");
    assert.equal(insteadOf(job("3", { [INSTEAD_OF]: "1" }), job("4", { [FOLLOWS]: "3" })), "1");
    assert.equal(insteadOf(job("3", { [INSTEAD_OF]: "1" }, "Failed"), "none"), "3");
  });

  it("is created again if it was cut off, so that no other Job follows it", () => {
    assert.equal(insteadOf(job("1"), undefined), "1");
    assert.equal(insteadOf(job("1"), job("2", { [FOLLOWS]: "0" })), "1");
    assert.ok(isCutOff(job("1"), undefined));
    assert.ok(!isCutOff(job("1"), next));
  });

  it("will run again if its preview has another Job, other values, or nothing", () => {
    const live = job("1", { [RUNS_FOR]: "a" });
    const preview = (uid?: string, runsFor = "a") => ({ uid, annotations: { [RUNS_FOR]: runsFor } });
    assert.equal(willRun(preview("1"), live), false);
    for (const other of [preview("2"), preview("1", "b"), preview(undefined), undefined])
      assert.equal(willRun(other, live), true);
    assert.equal(willRun(preview("1"), undefined), true);
  });
});
