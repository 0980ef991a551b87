import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { fromFile } from "../../../config/items.ts";

describe("An items file", () => {
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-items-"));
  after(() => rmSync(dir, { recursive: true }));
  const file = (name: string, content: string | Buffer) => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };
  const mib = 1024 * 1024;

  it("is packed byte by byte, whatever its encoding", () => {
    const content = Buffer.from("\xef\xbb\xbfcaf\xe9.txt\r\n\xff\xfe\n", "latin1");
    const items = fromFile("itemsFile", file("latin1.txt", content));
    assert.deepEqual(gunzipSync(items.gzipped), content);
  });

  it("may begin with a byte order mark", () => {
    assert.equal(fromFile("itemsFile", file("bom.ndjson", '\ufeff{"a":1}\n')).format, "ndjson");
    assert.throws(() => fromFile("itemsFile", file("bom.txt", "\ufeff\r\n")), {
      message: /^Expected `itemsFile` to be a file with at least one item/,
    });
  });

  it("has items of at most 1 MiB, without their line ends", () => {
    const longest = "x".repeat(mib);
    fromFile("itemsFile", file("long.txt", `${longest}\r\n${longest}`));
    assert.throws(() => fromFile("itemsFile", file("long.txt", `${longest}\r\n${longest}y`)), {
      message: /^Expected line 2 of .* to be at most 1 MiB/,
    });
  });
});
