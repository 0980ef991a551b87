import assert from "node:assert/strict";
import {
  displayName,
  formatBytes,
  formatDuration,
  formatNumber,
  oneLine,
  pluralize,
} from "../../../../cli/view/format.ts";

const lines: [what: string, text: string, max: number | undefined, shown: string][] = [
  ["plain text", "apple", undefined, "apple"],
  ["a line break and a tab", "a\nb\tc", undefined, "a\\nb\\tc"],
  ["an escape sequence that would clear the screen", "\u001b[2J", undefined, "\\u001b[2J"],
  ["a C1 control character, a delete and a line separator", "\u009b\u007f\u2028", undefined, "\\u009b\\u007f\\u2028"],
  ["as long as there is room", "abcde", 5, "abcde"],
  ["longer", "abcdef", 5, "abcd…"],
  ["characters of two columns and two code units, whole", "🍎🍌🍒🍇", 6, "🍎🍌…"],
  ["exactly as wide as there is room", "長い長い", 8, "長い長い"],
  ["a combining accent, with its letter", "e\u0301".repeat(9), 4, `${"e\u0301".repeat(3)}…`],
];

const labels: [what: string, payload: Buffer, shown: string][] = [
  ["text", Buffer.from("apple"), "apple"],
  ["nothing", Buffer.alloc(0), '""'],
  ["bytes that are no text", Buffer.from([0xff, 0x00]), "base64:/wA="],
  ["long text", Buffer.from("x".repeat(1_000_000)), `${"x".repeat(19)}…`],
  ["bytes that are no text, many of them", Buffer.alloc(1_000, 0xff), `base64:${"/".repeat(12)}…`],
  ["long text with a character across the cut", Buffer.from(`x${"é".repeat(500)}`), `x${"é".repeat(18)}…`],
];

const spans: [ms: number, text: string][] = [
  [-5, "0ms"],
  [0, "0ms"],
  [0.4, "0ms"],
  [320, "320ms"],
  [1_500, "1.5s"],
  [45_000, "45s"],
  [131_000, "2m 11s"],
  [2 * 3_600_000 + 13 * 60_000 + 59_000, "2h 13m"],
];

const numbers: [value: number, text: string][] = [
  [0, "0"],
  [3.456, "3.46"],
  [34.56, "34.6"],
  [345.6, "346"],
  [1_234_567, "1,234,567"],
];

const sizes: [bytes: number, text: string][] = [
  [0, "0 B"],
  [1023, "1,023 B"],
  [1536, "1.5 KiB"],
  [25 * 2 ** 20, "25 MiB"],
  [2 ** 41, "2,048 GiB"],
];

describe("text of the commands", () => {
  for (const [bytes, text] of sizes)
    it(`shows ${bytes} bytes as ${text}`, () => assert.equal(formatBytes(bytes), text));
  for (const [what, text, max, shown] of lines) {
    it(`one line: ${what}`, () => assert.equal(oneLine(text, max), shown));
  }
  for (const [what, payload, shown] of labels)
    it(`a label of ${what}`, () => assert.equal(displayName(payload, 20), shown));
  for (const [ms, text] of spans) it(`${ms} ms are ${text}`, () => assert.equal(formatDuration(ms), text));
  for (const [value, text] of numbers) it(`${value} is ${text}`, () => assert.equal(formatNumber(value), text));
  it("one is not many", () => {
    assert.deepEqual(
      [0, 1, 2_000].map((n) => pluralize(n, "item")),
      ["0 items", "1 item", "2,000 items"],
    );
  });
});
