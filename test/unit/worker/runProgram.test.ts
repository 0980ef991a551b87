import assert from "node:assert/strict";
import { lastWords } from "../../../worker/runProgram.ts";

describe("the last line of a program", () => {
  it("is the first line of its reason", () => assert.equal(lastWords("no such file\n    at x"), "no such file"));

  it("is no longer than Kubernetes keeps: it has its beginning, and the advice at its end", () => {
    const name = "é日".repeat(70);
    const words = lastWords(`5 of 9 items failed: ${Array(9).fill(name).join(", ")} (again: npx --no wq retry)`);
    assert.match(words, /^5 of 9 items failed: é日.* … .*日 \(again: npx --no wq retry\)$/);
    assert.ok(Buffer.byteLength(words) <= 1_810, `${Buffer.byteLength(words)} bytes`);
    assert.doesNotMatch(words, /\ufffd/);
  });
});
