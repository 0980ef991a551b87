import assert from "node:assert/strict";
import { pollUntil } from "../../../kube/poll.ts";

describe("pollUntil", () => {
  const quick = { timeoutMs: 1_000, intervalMs: 1 };

  it("returns the first truthy answer", async () => {
    let calls = 0;
    assert.equal(await pollUntil(() => ++calls === 3 && "ready", quick), "ready");
    assert.equal(calls, 3);
  });

  it("returns the last answer when the time is up, and asks at least once", async () => {
    assert.equal(await pollUntil(() => Promise.resolve(undefined), { timeoutMs: 0, intervalMs: 1 }), undefined);
  });

  it("passes errors on", async () => {
    const broken = () => Promise.reject(new Error("broken"));
    await assert.rejects(pollUntil(broken, quick), /broken/);
  });
});
