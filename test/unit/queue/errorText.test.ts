import assert from "node:assert/strict";
import { errorText } from "../../../queue/errorText.ts";

describe("the kept text of what was thrown", () => {
  it("is its message and stack, or whatever in it a person can read", () => {
    const loop: Record<string, unknown> = {};
    loop.loop = loop;
    const table: [thrown: unknown, text: string][] = [
      ["no such row", "no such row"],
      [undefined, "undefined"],
      [null, "null"],
      [404, "404"],
      // Some SDKs throw such objects.
      [{ message: "no such row", code: "PGRST116" }, '{"message":"no such row","code":"PGRST116"}'],
      [{ toString: () => "in its own words" }, "in its own words"],
      [["a", "b"], "a,b"],
      [{}, "[object Object]"],
      [loop, "[object Object]"],
      [Object.create(null), "an object that has no text"],
    ];
    for (const [thrown, text] of table) assert.equal(errorText(thrown), text);
    assert.match(errorText(new Error("no")), /^no\n {4}at /);
  });
});
