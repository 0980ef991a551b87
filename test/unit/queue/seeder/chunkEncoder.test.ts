import assert from "node:assert/strict";
import { ChunkEncoder } from "../../../../queue/seeder/chunkEncoder.ts";

/** Encodes items. Cuts at full chunks, and if `cut` says so. @returns The digest after each chunk. */
function digests(items: (string | Buffer)[], cut: (index: number) => boolean = () => false): string[] {
  const chunks = new ChunkEncoder("job2", 1);
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

/** The words of a command. */
function parse(command: Buffer): Buffer[] {
  const words: Buffer[] = [];
  let at = command.indexOf("\r\n") + 2;
  while (at < command.length) {
    const end = command.indexOf("\r\n", at);
    const length = Number(command.toString("latin1", at + 1, end));
    words.push(command.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
  assert.equal(command.toString("latin1", 0, command.indexOf("\r\n")), `*${words.length}`);
  return words;
}

describe("ChunkEncoder", () => {
  const items = Array.from({ length: 12_345 }, (_, index) => `item ${index} ${"ü".repeat(index % 400)}`);

  it("makes a digest that depends on the items, and not on the ends of chunks", () => {
    const plain = digests(items);
    assert.equal(plain.length > 2, true);
    assert.equal(digests(items, (index) => index % 7 === 0).at(-1), plain.at(-1));
    assert.equal(digests(items.map((item) => Buffer.from(item))).at(-1), plain.at(-1));
  });

  for (const [name, one, other] of [
    ["the order", ["a", "b"], ["b", "a"]],
    ["where items end", ["ab", "c"], ["a", "bc"]],
    ["empty items", ["a", ""], ["a"]],
    ["a long text and its pieces", ["x".repeat(60)], ["x".repeat(30), "x".repeat(30)]],
    ["an item that looks like two", ["a\r\n$1\r\nb"], ["a", "b"]],
  ] as const) {
    it(`makes another digest for another list: ${name}`, () => {
      assert.notEqual(digests([...one]).at(-1), digests([...other]).at(-1));
    });
  }

  it("makes the bytes of an RPUSH", () => {
    const chunks = new ChunkEncoder("jöb", 1);
    chunks.add("apple");
    chunks.add(Buffer.from([0, 255]));
    chunks.add("");
    const { command, count } = chunks.encode();
    assert.equal(count, 3);
    assert.equal(
      command.toString("latin1"),
      "*5\r\n$5\r\nRPUSH\r\n$4\r\nj\xc3\xb6b\r\n$5\r\napple\r\n$2\r\n\x00\xff\r\n$0\r\n\r\n",
    );
  });

  it("encodes texts and bytes of every length around its fast paths", () => {
    const lengths = [0, 1, 9, 10, 47, 48, 49, 99, 100, 101, 999, 1000, 10_000];
    const texts = lengths.flatMap((length) => ["x".repeat(length), `${"x".repeat(length)}ü`]);
    const chunks = new ChunkEncoder("job2", 1);
    for (const text of texts) assert.equal(chunks.add(text), true);
    for (const text of texts) assert.equal(chunks.add(Buffer.from(text)), true);
    const [, , ...words] = parse(chunks.encode().command).map(String);
    assert.deepEqual(words, [...texts, ...texts]);
  });

  it("takes a part of a buffer as an item", () => {
    const chunks = new ChunkEncoder("job2", 1);
    chunks.add(Buffer.from("apple\nfig\n"), 6, 9);
    assert.deepEqual(parse(chunks.encode().command).map(String), ["RPUSH", "job2", "fig"]);
  });

  it("fills a chunk up to 128 KiB, and gives a longer item one of its own", () => {
    const chunks = new ChunkEncoder("job2", 1);
    let count = 0;
    while (chunks.add("x")) count++;
    assert.equal(count > 10_000, true);
    const { command } = chunks.encode();
    assert.equal(command.length <= 128 * 1024 + 100, true);
    chunks.add("x");
    const long = "y".repeat(1024 * 1024);
    assert.equal(chunks.add(long), false);
    chunks.encode();
    assert.equal(chunks.add(long), true);
    assert.equal(chunks.add("x"), false);
    assert.equal(parse(chunks.encode().command)[2]!.length, 1024 * 1024);
    assert.equal(chunks.add("x"), true);
  });

  it("does not change chunks in flight while it fills the next ones", () => {
    const chunks = new ChunkEncoder("job2", 2);
    const commands = ["a", "b"].map((item) => (chunks.add(item), chunks.encode().command));
    chunks.add("c");
    assert.deepEqual(
      commands.map((command) => parse(command).map(String).at(-1)),
      ["a", "b"],
    );
  });
});
