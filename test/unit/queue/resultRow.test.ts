import assert from "node:assert/strict";
import { COLUMNS, isSettled, type ResultRow, resultRow } from "../../../queue/admin/resultRow.ts";
import type { ItemRecord } from "../../../queue/types.ts";
import { attempt, NOW, record } from "../../support/looks.ts";

const failed = attempt({ outcome: "failed", error: "no" });
const rows: [what: string, record: ItemRecord, row: Partial<ResultRow>][] = [
  [
    "an item that is done",
    record("apple", { value: '{"n":1}' }),
    {
      id: 1,
      item: "apple",
      outcome: "done",
      result: { n: 1 },
      attempts: 1,
      pod: "pod-1",
      reason: null,
      start: "2027-01-15T08:00:00.000Z",
      end: "2027-01-15T08:00:03.000Z",
      duration: 3_000,
    },
  ],
  ["a command's output", record("a", { value: "hello world" }), { result: "hello world" }],
  ["a number as a result", record("a", { value: "17" }), { result: 17 }],
  ["JSON that was cut", record("a", { value: '{"n":', truncated: true }), { result: '{"n":' }],
  ["no result", record("a"), { result: null }],
  ["bytes that are no text", record(Buffer.from([0xff, 0])), { item: "base64:/wA=" }],
  [
    "an item that failed",
    record("a", { outcome: "dead", reason: "no\n    at x.ts:1", attempts: [failed, attempt({ pod: "pod-2" })] }),
    { outcome: "failed", result: null, attempts: 2, pod: "pod-2", reason: "no" },
  ],
  [
    "an item that is done at last",
    record("a", { reason: "no", attempts: [failed, attempt()] }),
    { attempts: 2, reason: null },
  ],
  [
    "an item in flight",
    record("a", { outcome: "running", attempts: [attempt({ start: NOW, end: 0 })] }),
    { outcome: "running", start: "2027-01-15T08:00:00.000Z", end: null, duration: null },
  ],
];

describe("a row of results", () => {
  for (const [what, given, row] of rows) {
    it(what, () => {
      const made = resultRow(given);
      assert.deepEqual(Object.keys(made), COLUMNS);
      assert.deepEqual({ ...made, ...row }, made);
    });
  }
  it("can be written again, however deep a result is nested", () => {
    const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
    let depth = 1_000;
    const isWritten = () => {
      try {
        return JSON.stringify(JSON.parse(nested(depth))) !== "";
      } catch {
        return false;
      }
    };
    while (isWritten()) depth += 10;
    for (let tried = depth - 40; tried <= depth; tried++)
      assert.match(JSON.stringify(resultRow(record("a", { value: nested(tried) }))), /"result":"?\[\[/);
    assert.deepEqual(resultRow(record("a", { value: nested(1_000) })).result, JSON.parse(nested(1_000)));
  });
  it("is settled when it is done or dead", () => {
    const outcomes = ["done", "dead", "running", "delayed"] as const;
    assert.deepEqual(
      outcomes.filter((outcome) => isSettled(record("a", { outcome }))),
      ["done", "dead"],
    );
  });
});
