import assert from "node:assert/strict";
import { ChunkEncoder } from "../../../queue/seeder/chunkEncoder.ts";

/** Packs items, cutting where `cut` says so beside where chunks are full; answers the digests after each chunk. */
function digests(items: (string | Buffer)[], cut: (index: number) => boolean = () => false): string[] {
  const chunks = new ChunkEncoder(1);
  const found: string[] = [];
  for (const [index, item] of items.entries()) {
    if ((cut(index) && chunks.count > 0) || !chunks.add(item)) {
      found.push(chunks.encode().digest);
      assert.equal(chunks.add(item), true);
    }
  }
  found.push(chunks.encode().digest);
  return found;
}

describe("chunks of items", () => {
  const items = Array.from({ length: 12_345 }, (_, index) => `item ${index} ${"ü".repeat(index % 400)}`);

  it("have a digest that depends on the items and not on where they were cut", () => {
    const plain = digests(items);
    assert.equal(plain.length > 2, true);
    assert.equal(digests(items, (index) => index % 7 === 0).at(-1), plain.at(-1));
    assert.equal(digests(items.map((item) => Buffer.from(item))).at(-1), plain.at(-1));
  });

  for (const [name, one, other] of [
    ["the order", ["a", "b"], ["b", "a"]],
    ["where items end", ["ab", "c"], ["a", "bc"]],
    ["empty items", ["a", ""], ["a"]],
    ["a long text and its pieces", ["x".repeat(40)], ["x".repeat(20), "x".repeat(20)]],
  ] as const) {
    it(`have another digest for another list: ${name}`, () => {
      assert.notEqual(digests([...one]).at(-1), digests([...other]).at(-1));
    });
  }

  it("are the bytes of a Redis command", () => {
    const chunks = new ChunkEncoder(1);
    chunks.add("apple");
    chunks.add(Buffer.from([0, 255]));
    const { command, count } = chunks.encode();
    assert.equal(count, 2);
    const array = "\xdd\x00\x00\x00\x02\xa5apple\xa2\x00\xff";
    assert.equal(
      command("EVALSHA", "ü", 7).toString("latin1"),
      `*4\r\n$7\r\nEVALSHA\r\n$2\r\n\xc3\xbc\r\n$1\r\n7\r\n$14\r\n${array}\r\n`,
    );
  });

  it("hold at most 5000 items, and one that is longer than a chunk by itself", () => {
    const chunks = new ChunkEncoder(1);
    for (let number = 0; number < 5000; number++) assert.equal(chunks.add("x"), true);
    assert.equal(chunks.add("x"), false);
    chunks.encode();
    chunks.add("x");
    const long = "y".repeat(1024 * 1024);
    assert.equal(chunks.add(long), false);
    chunks.encode();
    assert.equal(chunks.add(long), true);
    assert.equal(chunks.add("x"), false);
    assert.equal(chunks.encode().command("X").length > 1024 * 1024, true);
    assert.equal(chunks.add("x"), true);
  });
});
