import assert from "node:assert/strict";
import { ListMemory, mostListMemory } from "../../../../queue/seeder/listMemory.ts";

describe("ListMemory", () => {
  /** Bytes per item in a list of this many items, measured on Redis 8 (`used_memory`). */
  const measured: [title: string, count: number, item: (index: number) => string, bytes: number][] = [
    ["12 bytes", 100_000, (index) => `item-${String(index).padStart(7, "0")}`, 14.5],
    ["a range", 2_000_000, (index) => String(index + 1), 5.0],
    ["numbers of 10 digits", 100_000, (index) => String(1e9 + index), 6.0],
    ["a byte", 100_000, () => "x", 3.0],
    ["36 bytes", 100_000, (index) => String(index).padStart(36, "a"), 38.3],
    ["300 bytes", 100_000, (index) => String(index).padStart(300, "a"), 316.9],
    ["5,000 bytes", 1_000, (index) => String(index).padStart(5000, "a"), 5169],
    ["9,000 bytes", 1_000, (index) => String(index).padStart(9000, "a"), 10_285],
    ["100,000 bytes", 100, (index) => String(index).padStart(100_000, "a"), 114_742],
    ["1,000,000 bytes", 10, (index) => String(index).padStart(1_000_000, "a"), 1_048_680],
  ];
  for (const [title, count, item, bytes] of measured) {
    it(`tells within 5 % what items take in a list: ${title}`, () => {
      const memory = new ListMemory();
      const same = new ListMemory();
      let length = 0;
      for (let index = 0; index < count; index++) {
        const text = item(index);
        const block = Buffer.from(`.${text}.`);
        memory.add(text, 0, text.length);
        same.add(block, 1, block.length - 1);
        length += text.length + 1;
      }
      const ratio = memory.bytes / count / bytes;
      assert.equal(ratio > 0.95 && ratio < 1.05, true, `${ratio} of what was measured`);
      assert.equal(same.bytes, memory.bytes);
      assert.equal(mostListMemory(length) >= bytes * count, true);
    });
  }

  it("counts as numbers only the texts that Redis stores as numbers", () => {
    const size = (item: string) => {
      const memory = new ListMemory();
      for (let copy = 0; copy < 1000; copy++) memory.add(item, 0, item.length);
      return memory.bytes;
    };
    for (const text of ["007", "1.5", "12a", "1e3"]) assert.equal(size(text), size("x".repeat(text.length)), text);
    assert.equal(size("12345") < size("x2345"), true);
  });
});
