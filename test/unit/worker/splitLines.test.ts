import assert from "node:assert/strict";
import { once } from "node:events";
import { Readable } from "node:stream";
import { LONGEST_LINE, logLines } from "../../../worker/splitLines.ts";

describe("a command's log", () => {
  const read = async (...chunks: (string | Buffer)[]) => {
    const lines: string[] = [];
    const input = Readable.from(
      chunks.map((chunk) => Buffer.from(chunk as string)),
      { objectMode: false },
    );
    logLines(input, (line) => lines.push(line));
    await once(input, "end");
    return lines;
  };

  it("has a line for each, wherever the chunks end", async () => {
    assert.deepEqual(await read("a", "b\nc\r", "\nd\n\n", "e"), ["ab", "c", "d", "", "e"]);
  });
  it("takes a carriage return for an end, as progress bars mean it", async () => {
    assert.deepEqual(await read("10 %\r", "20 %\r30 %\r"), ["10 %", "20 %", "30 %"]);
  });
  it("keeps a letter whole that two chunks share", async () => {
    const letter = Buffer.from("ü");
    assert.deepEqual(await read(letter.subarray(0, 1), letter.subarray(1)), ["ü"]);
  });
  it("gives a line without end in pieces, not at the end of time", async () => {
    const lines = await read(...Array.from({ length: 64 }, () => "x".repeat(LONGEST_LINE / 4)));
    assert.equal(lines.length, 16);
    assert.equal(lines.join(""), "x".repeat(16 * LONGEST_LINE));
  });
});
