import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { ItemsFormat } from "../../../config/toldSettings.ts";
import type { ItemSource } from "../../../queue/index.ts";
import { bytesSource, fileSource, rangeSource } from "../../../seed/sources.ts";

/** All items, as bytes. */
async function itemsOf(source: ItemSource): Promise<Buffer[]> {
  const items: Buffer[] = [];
  for await (const value of source) {
    if (typeof value === "string" || Buffer.isBuffer(value)) items.push(Buffer.from(value));
    else
      for (let index = 0; index < value.count; index++)
        items.push(Buffer.from(value.bytes.subarray(value.starts[index], value.ends[index])));
  }
  return items;
}

describe("fileSource", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-source-"));
  const path = join(dir, "items.gz");
  after(() => rmSync(dir, { recursive: true }));
  const read = (content: string | Buffer, format: ItemsFormat) => {
    writeFileSync(path, gzipSync(content));
    return itemsOf(fileSource(path, format));
  };
  const readBytes = async (content: string, format: ItemsFormat) =>
    (await itemsOf(bytesSource(gzipSync(content), format))).map(String);
  const readTexts = async (content: string | Buffer, format: ItemsFormat) => (await read(content, format)).map(String);

  const files: [title: string, text: string, format: ItemsFormat, items: string[]][] = [
    ["takes a line as an item, without its end", "apple\nbanana\r\ncherry", "text", ["apple", "banana", "cherry"]],
    ["leaves out empty lines", "\n\r\na\n\nb\n\n", "text", ["a", "b"]],
    ["keeps spaces, and carriage returns inside of a line", " a\rb \n", "text", [" a\rb "]],
    ["takes the last line without its carriage return", "a\nb\r", "text", ["a", "b"]],
    ["takes JSON lines as they are", '{"a":"\u2028"}\n[1]\n', "ndjson", ['{"a":"\u2028"}', "[1]"]],
    ["takes JSON strings as what they mean", '"a\\nb"\n""\n"ü"', "strings", ["a\nb", "", "ü"]],
    ["leaves out a byte order mark", "\ufeffa\n\ufeffb\n", "text", ["a", "\ufeffb"]],
    ["leaves out a byte order mark before an empty line", "\ufeff\r\na", "text", ["a"]],
    ["leaves out a byte order mark before JSON", '\ufeff{"a":1}', "ndjson", ['{"a":1}']],
    ["finds nothing in an empty file", "", "text", []],
  ];
  for (const [title, text, format, items] of files) {
    it(title, async () => {
      assert.deepEqual(await readTexts(text, format), items);
      assert.deepEqual(await readBytes(text, format), items);
    });
  }

  it("keeps bytes that are not UTF-8 as they are", async () => {
    const lines = ["caf\xe9.txt", "\xff\xfe\x00", "\xc3"].map((line) => Buffer.from(line, "latin1"));
    const content = Buffer.concat(lines.flatMap((line) => [line, Buffer.from("\n")]));
    assert.deepEqual(await read(content, "text"), lines);
    assert.deepEqual(await read(content, "ndjson"), lines);
  });

  it("joins lines that lie across two pieces of the file", async () => {
    const long = "x".repeat(200_000);
    assert.deepEqual(await readTexts(`${long}\n${long}y\r\nz`, "text"), [long, `${long}y`, "z"]);
    for (let length = 65_530; length <= 65_540; length++) {
      const items = ["a".repeat(length), "b", "c".repeat(65_535), "d"];
      assert.deepEqual(await readTexts(items.join("\r\n"), "text"), items);
    }
  });

  it("takes 100,000 short lines", async () => {
    const items = Array.from({ length: 100_000 }, (_, index) => `item ${index % 997} ${index}`);
    assert.deepEqual(await readTexts(items.join("\n"), "text"), items);
  });

  it("refuses a line over 1 MiB, by its number", async () => {
    const mib = 1024 * 1024;
    assert.equal((await read(`a\n\n${"x".repeat(mib)}\r\n`, "text"))[1]!.length, mib);
    await assert.rejects(read(`a\n\n${"x".repeat(mib + 1)}\n`, "text"), {
      message: "Line 3 of the items is over 1 MiB: put its data into a file or a bucket, and its name into the list.",
      name: "ConfigError",
    });
  });

  it("refuses a line without end, before all of it is in memory", async () => {
    await assert.rejects(read(`a\n${"x".repeat(7 * 1024 * 1024)}`, "text"), {
      message: "Line 2 of the items is over 1 MiB: put its data into a file or a bucket, and its name into the list.",
    });
  });

  it("accepts the longest item in its longest spelling", async () => {
    const item = "\0".repeat(1024 * 1024);
    assert.deepEqual(await readTexts(`${JSON.stringify(item)}\r\n`, "strings"), [item]);
  });

  it("refuses a line that is no JSON string, by its number", async () => {
    for (const line of ["[1", "1"])
      await assert.rejects(read(`"a"\n\n${line}\n`, "strings"), {
        message: "Line 3 of the items is not a JSON string.",
        name: "ConfigError",
      });
  });

  it("says which file it cannot read: none there, not gzipped, cut off", async () => {
    const bad = join(dir, "bad.gz");
    await assert.rejects(itemsOf(fileSource(join(dir, "none"), "text")), {
      message: /^The items in .*none cannot be read: ENOENT/,
      name: "ConfigError",
    });
    writeFileSync(bad, "apple\n");
    await assert.rejects(itemsOf(fileSource(bad, "text")), {
      message: /bad\.gz cannot be read: incorrect header check\.$/,
    });
    writeFileSync(bad, gzipSync("apple\nbanana\n").subarray(0, 20));
    await assert.rejects(itemsOf(fileSource(bad, "text")), {
      message: /bad\.gz cannot be read: unexpected end of file\.$/,
    });
  });

  it("knows the size of its content without reading it", async () => {
    await read("apple\nbanana\n", "text");
    assert.equal(fileSource(path, "text").maxBytes, 13);
    assert.equal(fileSource(join(dir, "none"), "text").maxBytes, undefined);
  });
});

describe("rangeSource", () => {
  const texts = async (range: string) => (await itemsOf(rangeSource(range))).map(String);

  it("gives the numbers of a range, both ends included, more than once", async () => {
    const range = rangeSource("8..11");
    for (let read = 0; read < 2; read++) assert.deepEqual((await itemsOf(range)).map(String), ["8", "9", "10", "11"]);
    assert.deepEqual(await texts("0..0"), ["0"]);
    const count = 12_345;
    assert.deepEqual(
      await texts(`1..${count}`),
      Array.from({ length: count }, (_, index) => String(index + 1)),
    );
  });

  it("refuses a text that is no range", () => {
    for (const range of ["3..1", "a..b"])
      assert.throws(() => rangeSource(range), {
        message: `Expected \`itemsRange\` to be a range like 1..1000, got "${range}".`,
      });
  });
});
