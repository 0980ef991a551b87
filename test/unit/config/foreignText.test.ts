import assert from "node:assert/strict";
import { jsonLine, oneLine, severalLines } from "../../../config/foreignText.ts";

const lines: [what: string, text: string, shown: string][] = [
  ["plain text", "apple, Äpfel, 苹果", "apple, Äpfel, 苹果"],
  ["a line break and a tab", "a\nb\tc", "a\\nb\\tc"],
  ["an escape sequence that would clear the screen", "\u001b[2J", "\\u001b[2J"],
  ["a C1 control character, a delete and a line separator", "\u009b\u007f\u2028", "\\u009b\\u007f\\u2028"],
  ["what turns text round", "\u202egnp.exe\u2066", "\\u202egnp.exe\\u2066"],
  ["what has no width", "a\u200bb\u200dc\ufeffd\u00ade", "a\\u200bb\\u200dc\\ufeffd\\u00ade"],
  ["an invisible tag", "a\u{e0041}", "a\\u{e0041}"],
  ["letters without a look", "a\u3164\u034f\u{e0100}", "a\\u3164\\u034f\\u{e0100}"],
  ["an emoji as it is", "✔️", "✔️"],
  ["marks by which Pulumi takes the name of a colour", "<{%x%}>%}><{%", "<\\u007b%x%\\u007d>%\\u007d><\\u007b%"],
  ["other braces as they are", "{% if %} <{a}>", "{% if %} <{a}>"],
];

const several: [what: string, text: string, shown: string][] = [
  ["lines and tabs as they are", "a\tb\nc\r\nd", "a\tb\nc\nd"],
  ["colours without them", "\u001b[1;31mred\u001b[0m", "red"],
  ["what would drive a terminal, escaped", "\u001b[2J\u001b]0;x\u0007\r", "\\u001b[2J\\u001b]0;x\\u0007\\u000d"],
];

describe("foreign text", () => {
  for (const [what, text, shown] of lines) it(`on one line: ${what}`, () => assert.equal(oneLine(text), shown));
  for (const [what, text, shown] of several) it(`on several: ${what}`, () => assert.equal(severalLines(text), shown));
  it("as JSON is the same value", () => {
    const value = lines.map(([, text]) => text);
    assert.deepEqual(JSON.parse(jsonLine(value)), value);
    assert.equal(jsonLine("\u009b\u{e0041}"), '"\\u009b\\udb40\\udc41"');
  });
});
