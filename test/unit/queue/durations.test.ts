import assert from "node:assert/strict";
import { durationIncrements } from "../../../queue/durations.ts";

describe("the durations of attempts", () => {
  it("are counted by bucket, if the attempts ended by themselves", () => {
    const lines = ["d0\n", 'd10 ="x"\n', "d11\n", 'f1000 "no"\n', 't3000001 "late"\n', "r50\n", '"lost"\n'];
    assert.deepEqual(durationIncrements(lines.map((line) => ({ line }))), [
      "tookMs",
      3_001_022,
      "took10",
      2,
      "took30",
      1,
      "took1000",
      1,
      "tookLonger",
      1,
    ]);
  });

  it("are empty if no attempt ended", () => {
    assert.deepEqual(durationIncrements([{ line: "r50\n" }]), []);
  });
});
