import assert from "node:assert/strict";
import fc from "fast-check";
import { type Answer, parseAnswer } from "../../../../worker/runner/protocol.ts";

describe("a line of a runner", () => {
  const anything = fc.oneof(fc.jsonValue(), fc.string(), fc.integer(), fc.boolean());
  const fields = ["ready", "id", "result", "error", "retry", "later", "log", "progress", "cancelling"] as const;
  const record = fc.record(Object.fromEntries(fields.map((field) => [field, anything])), { requiredKeys: [] });

  it("is an answer if it has all the fields of its kind, else it is none", () => {
    fc.assert(
      fc.property(fc.oneof(record, anything), (value) => {
        const answer = parseAnswer(JSON.stringify(value)) as (Answer & Record<string, unknown>) | undefined;
        if (answer === undefined) return;
        if ("ready" in answer) return assert.ok(answer.ready === true || typeof answer.error === "string");
        assert.ok(Number.isSafeInteger(answer.id));
        for (const field of ["error", "log"]) if (field in answer) assert.equal(typeof answer[field], "string");
        for (const field of ["later", "progress"]) if (field in answer) assert.equal(typeof answer[field], "number");
      }),
      { numRuns: 2_000 },
    );
  });

  for (const line of [
    "",
    "null",
    "[]",
    "1",
    "{}",
    '{"ready":false}',
    '{"id":1,"ready":false}',
    '{"id":"1"}',
    '{"id":1.5}',
  ])
    it(`is none: ${line || "nothing"}`, () => assert.equal(parseAnswer(line), undefined));
});
