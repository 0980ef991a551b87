import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fileSource, type Format, rangeSource } from "../../../seed/sources.ts";

describe("sources of items", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-source-"));
  after(() => rmSync(dir, { recursive: true }));
  const read = async (text: string, format: Format) => {
    const path = join(dir, "items.gz");
    writeFileSync(path, gzipSync(text));
    const items: string[] = [];
    for await (const item of fileSource(path, format)) items.push(item);
    return items;
  };

  const files: [title: string, text: string, format: Format, items: string[]][] = [
    ["a line an item, without its line end", "apple\nbanana\r\ncherry", "text", ["apple", "banana", "cherry"]],
    ["empty lines left out", "\na\n\nb\n\n", "text", ["a", "b"]],
    ["spaces kept", " a \n", "text", [" a "]],
    ["JSON lines as they are", '{"a":"\u2028"}\n[1]\n', "ndjson", ['{"a":"\u2028"}', "[1]"]],
    ["JSON strings as what they mean", '"a\\nb"\n""\n"ü"', "strings", ["a\nb", "", "ü"]],
  ];
  for (const [title, text, format, items] of files) {
    it(title, async () => assert.deepEqual(await read(text, format), items));
  }

  it("lines longer than a chunk of the file", async () => {
    const long = "x".repeat(200_000);
    assert.deepEqual(await read(`${long}\n${long}y\nz`, "text"), [long, `${long}y`, "z"]);
  });

  it("refuses a line over 1 MiB, by its number", async () => {
    await assert.rejects(read(`a\n\n${"x".repeat(1024 * 1024 + 1)}\n`, "text"), {
      message: "Line 3 of the items is over 1 MiB: put the data somewhere and its name in the list.",
    });
  });

  it("refuses a line that never ends before all of it is in memory", async () => {
    await assert.rejects(read(`a\n${"x".repeat(7 * 1024 * 1024)}`, "text"), {
      message: "Line 2 of the items is over 1 MiB: put the data somewhere and its name in the list.",
    });
  });

  it("takes the longest item in its longest spelling", async () => {
    const item = "\0".repeat(1024 * 1024);
    assert.deepEqual(await read(JSON.stringify(item), "strings"), [item]);
  });

  it("refuses what is no JSON string, by its line", async () => {
    for (const line of ["[1", "1"])
      await assert.rejects(read(`"a"\n${line}\n`, "strings"), {
        message: "Line 2 of the items is not a JSON string.",
        name: "ConfigError",
      });
  });

  it("says which file it cannot read: none there, not gzipped, cut off", async () => {
    const drain = async (path: string) => {
      for await (const item of fileSource(path, "text")) void item;
    };
    const path = join(dir, "bad.gz");
    await assert.rejects(drain(join(dir, "none")), {
      message: /^The items in .*none cannot be read: ENOENT/,
      name: "ConfigError",
    });
    writeFileSync(path, "apple\n");
    await assert.rejects(drain(path), { message: /bad\.gz cannot be read: incorrect header check\.$/ });
    writeFileSync(path, gzipSync("apple\nbanana\n").subarray(0, 20));
    await assert.rejects(drain(path), { message: /bad\.gz cannot be read: unexpected end of file\.$/ });
  });

  it("a range, both ends included, more than once", () => {
    const range = rangeSource("8..11");
    assert.deepEqual([...range], ["8", "9", "10", "11"]);
    assert.deepEqual([...range], ["8", "9", "10", "11"]);
    assert.throws(() => rangeSource("3..1"), {
      message: 'Expected WQ_ITEMS_RANGE to be a range like 1..1000, got "3..1".',
    });
  });
});
