import assert from "node:assert/strict";
import { hashItem, itemHash } from "../../../../../queue/seeder/edit/itemHash.ts";

function hash(item: string | Buffer): string {
  hashItem(item);
  return [...itemHash].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

describe("hashItem", () => {
  it("is MurmurHash3 x86 128", () => {
    assert.equal(hash(""), "0".repeat(32));
    assert.equal(hash("The quick brown fox jumps over the lazy dog"), "2f1583c3ecee2c675d7bf66ce5e91d2c");
  });

  it("hashes a text as its UTF-8 bytes, whatever its length", () => {
    for (const text of ["a", "ü", "x".repeat(47) + "ü", "x".repeat(5000), "€".repeat(3000)]) {
      assert.equal(hash(text), hash(Buffer.from(text)));
    }
  });

  it("tells 100,000 short items apart by three of its words", () => {
    const seen = new Set<string>();
    for (let number = 0; number < 100_000; number++) {
      hashItem(String(number));
      seen.add(`${itemHash[0]! | 1},${itemHash[1]},${itemHash[2]}`);
    }
    assert.equal(seen.size, 100_000);
  });

  it("changes with every byte of an item of each length", () => {
    for (let length = 1; length <= 40; length++) {
      const item = Buffer.alloc(length, 7);
      const seen = new Set([hash(item)]);
      for (let index = 0; index < length; index++) {
        item[index] = 8;
        seen.add(hash(item));
        item[index] = 7;
      }
      assert.equal(seen.size, length + 1);
    }
  });
});
