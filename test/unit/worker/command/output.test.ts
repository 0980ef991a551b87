import assert from "node:assert/strict";
import { OutputBuffer, parseOutput } from "../../../../worker/command/output.ts";

describe("parseOutput", () => {
  const values: [output: string, value: unknown][] = [
    ['{"a": [1, 2.5, "x"]}', { a: [1, 2.5, "x"] }],
    ["[]", []],
    [' \n{"a":1}\n\n', { a: 1 }],
    ['"a text"', "a text"],
    ["true", true],
    ["null", null],
    ["123", 123],
    ["-1.5", -1.5],
    [" 7 ", 7],
  ];
  for (const [output, value] of values) {
    it(`takes for JSON: ${JSON.stringify(output)}`, () => assert.deepEqual(parseOutput(output), value));
  }

  const texts = [
    "apple",
    "a b",
    '{"a":1',
    '{"a":1}\n{"a":2}',
    "1 2",
    "'single'",
    "undefined",
    "NaN",
    "True",
    "\ufeff{}",
    // Numbers that JavaScript would write in another way.
    "007",
    "1.10",
    "1.0",
    "123e4567",
    "1e3",
    "12345678901234567890",
    "-0",
  ];
  for (const text of texts) {
    it(`leaves text as it is: ${JSON.stringify(text)}`, () => assert.equal(parseOutput(text), text));
  }

  it("keeps the spelling of numbers inside of JSON", () => {
    const json = '{"id":12345678901234567890,"version":1.10,"big":1e400,"list":[1,0.30,2]}';
    assert.equal(JSON.stringify(parseOutput(json)), json);
  });

  it("keeps JSON as text if it is too deep to be written again", () => {
    const deep = "[".repeat(50_000) + "]".repeat(50_000);
    assert.equal(parseOutput(deep), deep);
  });
});

describe("OutputBuffer", () => {
  const result = (limit: number, ...chunks: string[]) => {
    const output = new OutputBuffer(limit);
    for (const chunk of chunks) output.add(Buffer.from(chunk));
    return output.result;
  };

  it("joins chunks, and drops the last line end of a text", () => {
    assert.equal(result(100, "a\r\n", "b\n\r", "\n"), "a\r\nb\n");
    assert.equal(result(100, "ü"), "ü");
    assert.equal(result(100), undefined);
    assert.equal(result(100, "\n"), undefined);
  });

  it("does not break a character that two chunks share", () => {
    const output = new OutputBuffer(100);
    for (const byte of Buffer.from('["ü"]')) output.add(Buffer.of(byte));
    assert.deepEqual(output.result, ["ü"]);
  });

  it("takes JSON up to its limit; longer output is text", () => {
    assert.deepEqual(result(7, '{"a":1}'), { a: 1 });
    assert.equal(result(6, '{"a":1}'), '{"a":1}');
    assert.equal(result(6, "1234", "5678", "9"), "12345678");
  });
});
