import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import { MAX_LINE_LENGTH, splitLines } from "../../../../worker/processes/splitLines.ts";

describe("splitLines", () => {
  const read = async (...chunks: (string | Buffer)[]) => {
    const lines: string[] = [];
    const input = Readable.from(
      chunks.map((chunk) => Buffer.from(chunk as string)),
      { objectMode: false },
    );
    splitLines(input, (line) => lines.push(line));
    await once(input, "close");
    return lines;
  };

  it("gives each line, wherever the chunks end", async () => {
    assert.deepEqual(await read("a", "b\nc\r", "\nd\n\n", "e"), ["ab", "c", "d", "", "e"]);
  });
  it("takes a carriage return as a line end, for progress bars", async () => {
    assert.deepEqual(await read("10 %\r", "20 %\r30 %\r"), ["10 %", "20 %", "30 %"]);
  });
  it("does not break a character that two chunks share", async () => {
    const letter = Buffer.from("ü");
    assert.deepEqual(await read(letter.subarray(0, 1), letter.subarray(1)), ["ü"]);
  });
  it("gives the last line of an input that is cut off", async () => {
    const lines: string[] = [];
    const input = new Readable({ read() {} });
    splitLines(input, (line) => lines.push(line));
    input.push("a\nb");
    await once(input, "data");
    input.destroy();
    await once(input, "close");
    assert.deepEqual(lines, ["a", "b"]);
  });
  it("gives an endless line in pieces", async () => {
    const lines = await read(...Array.from({ length: 64 }, () => "x".repeat(MAX_LINE_LENGTH / 4)));
    assert.equal(lines.length, 16);
    assert.equal(lines.join(""), "x".repeat(16 * MAX_LINE_LENGTH));
  });
});
