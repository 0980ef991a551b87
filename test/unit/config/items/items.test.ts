import assert from "node:assert/strict";
import { constants } from "node:buffer";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { fromFile, listed } from "../../../../config/items/items.ts";
import { itemsContent } from "../../../../config/items/itemsContent.ts";

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

  it("is recognized if it is not UTF-8: handlers would find other characters in its items", () => {
    assert.equal(fromFile("itemsFile", file("utf8.txt", "ü\n")).isText, true);
    assert.equal(fromFile("itemsFile", file("latin1.txt", Buffer.from("\xfc\n", "latin1"))).isText, false);
  });

  it("counts as JSON, or not, by its first item", () => {
    const isJson = (name: string, content: string) => fromFile("itemsFile", file(name, content)).isJson;
    assert.deepEqual(
      [isJson("a.txt", '\ufeff{"a":1}\n'), isJson("b.json", '["[1]"]'), isJson("c.txt", "a\n")],
      [true, true, false],
    );
    assert.deepEqual([listed("items", ['{"a":1}']).isJson, listed("items", ["a {b}"]).isJson], [true, false]);
  });

  it("is refused if it is no list, with a command that makes one", () => {
    const why = (path: string) => {
      try {
        fromFile("itemsFile", path);
      } catch (error) {
        return /\((.*)\), got/.exec((error as Error).message)?.[1];
      }
      return undefined;
    };
    assert.equal(why(`${dir}/`), `it is a folder: \`ls -d ${dir}/* > items.txt\` lists its files`);
    assert.equal(why("photos/*.jpg"), "it is a pattern: `ls -d photos/*.jpg > items.txt` makes a list");
    assert.equal(why("https://a.example/list.txt"), "it is an address: download it first");
    assert.equal(why("/no/such"), "there is no /no/such");
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

  const utf16 = (text: string, bigEndian = false) => {
    const bytes = Buffer.from(`\ufeff${text}`, "utf16le");
    return bigEndian ? bytes.swap16() : bytes;
  };
  const read: [title: string, name: string, content: string | Buffer, lines: string][] = [
    ["gzip", "urls.txt.gz", gzipSync("a\nb\n"), "a\nb\n"],
    ["gzip under another name", "warc.paths", Buffer.concat([gzipSync("a\n"), gzipSync("b\n")]), "a\nb\n"],
    ["UTF-16, as PowerShell writes it", "list.txt", utf16("a\r\nü\r\n"), "a\r\nü\r\n"],
    ["UTF-16, the other way round", "list.txt", utf16("a\nb", true), "a\nb"],
    ["a JSON array of texts", "urls.json", '[\n  "a b",\n  "c\\nd"\n]\n', '"a b"\n"c\\nd"'],
    ["a JSON array on one line", "urls.json", '["a",null,{"b": 1}]', '"a"\n"null"\n"{\\"b\\":1}"'],
    [
      "numbers of a JSON array as they are written",
      "ids.json",
      '[900719925474099312, {"v": 1.10}]',
      '"900719925474099312"\n"{\\"v\\":1.10}"',
    ],
    ["a JSON array by its content", "list", '[\n"a",\n"b"\n]', '"a"\n"b"'],
    ["lines of JSON, whatever the file's name", "data.json", '{"a":1}\n{"a":2}\n', '{"a":1}\n{"a":2}\n'],
    ["lines that look like JSON", "list.txt", "[a]\n[b]\n", "[a]\n[b]\n"],
    ["one line that is JSON", "list.txt", "[1,2]\n", "[1,2]\n"],
  ];
  it("may be longer than any text of JavaScript", () => {
    const long = Buffer.alloc(constants.MAX_STRING_LENGTH + 2, "x");
    long[10] = 10;
    assert.equal(itemsContent("urls.txt", long).bytes, long);
    long[0] = 0x5b;
    assert.throws(() => itemsContent("urls.json", long), {
      message: /; urls\.json is JSON of more than 512 MiB: jq -c '\.\[\]' urls\.json > items\.ndjson; name lines/,
    });
  });

  for (const [title, name, content, lines] of read)
    it(`may be ${title}`, () =>
      assert.equal(gunzipSync(fromFile("itemsFile", file(name, content)).gzipped).toString(), lines));

  const tar = Buffer.alloc(1024);
  tar.write("a.txt");
  tar.write("ustar", 257);
  const refused: [name: string, content: string | Buffer, what: RegExp][] = [
    ["a.zip", "PK\u0003\u0004\u0014", /is a zip archive: unzip -p \S+a\.zip > items\.txt$/],
    [
      "a.xlsx",
      "PK\u0003\u0004\u0014\0[Content_Types].xml…xl/workbook.xml",
      /is an Excel workbook: python3 -c 'import pandas, sys;/,
    ],
    ["a.parquet", "PAR1\u0015\0", /is Parquet: python3 -c 'import pandas, sys; .*read_parquet/],
    ["a.csv", "id,url\n1,https://a\n", /is a table, whose lines are rows: tail -n \+2 \S+a\.csv > items\.txt, without/],
    ["a.csv.gz", gzipSync("id,url\n"), /is a table, whose lines are rows: tail -n \+2 <\(zcat \S+a\.csv\.gz\) > items/],
    ["excel.csv", "\xef\xbb\xbfsep=;\r\nid;url\r\n", /is a table, whose lines are rows: tail -n \+3 /],
    ["one.json.gz", gzipSync('{"a": 1}'), /jq -c '\.\[\]' <\(zcat \S+one\.json\.gz\) > items\.ndjson/],
    ["list.yaml", "- a\n- b\n", /is YAML: yq -r '\.\[\]' \S+list\.yaml > items\.txt$/],
    ["my list.xlsx", "PK\u0003\u0004xl/", /read_excel\(sys\.argv\[1\]\).*' '\S+my list\.xlsx' > items\.txt$/],
    ["letter.rtf", "{\\rtf1\\ansi a\\par\n}", /is a document \(RTF\): save it as plain text$/],
    ["a.npy", "\x93NUMPY\u0001\0v\0{'descr'\u0001\u0002", /is binary: put the names/],
    ["a.tsv", "id\turl\n", /is a table/],
    [
      "quoted.csv",
      'id,text\n1,"two\nlines"\n',
      /is a table: python3 -c 'import csv, .*delimiter=","\)\]' \S+ > items\.ndjson/,
    ],
    ["quoted.tsv", 'id\ttext\n1\t"a b"\n', /is a table: .*delimiter="\\t"\)\]' \S+quoted\.tsv > items\.ndjson/],
    ["excel2.csv", 'id;text\n1;"a;b"\n', /is a table: .*delimiter=";"/],
    ["a.pdf", "%PDF-1.7\n", /is a PDF: put the names of such files into a list/],
    ["a.png", Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), /is an image: put the names/],
    ["a.jpg", Buffer.from("\xff\xd8\xff\xe0", "latin1"), /is an image/],
    ["a.tar.gz", gzipSync(tar), /is a tar archive: tar -xOf/],
    ["a.xz", Buffer.from("\xfd7zXZ\0", "latin1"), /is packed with xz: xzcat \S+a\.xz > items\.txt$/],
    ["a.zst", Buffer.from("\x28\xb5\x2f\xfd", "latin1"), /is packed with zstd: zstdcat/],
    ["a.sqlite", "SQLite format 3\0", /is an SQLite database: sqlite3/],
    ["broken.gz", gzipSync("a\nb").subarray(0, 15), /is gzip that cannot be unpacked \(unexpected end of file\): get/],
    ["utf16.txt", Buffer.from("a\nbc\n", "utf16le"), /is UTF-16: iconv -f UTF-16LE -t UTF-8 \S+ > items\.txt$/],
    ["find-0", "a\0b\0", /is binary, with zero bytes: if they end the items: tr '\\0' '\\n'/],
    ["a.bin", Buffer.from(Array.from({ length: 200 }, (_, i) => (i % 30) + 1)), /is binary: put the names/],
    ["mac.txt", "a\rb\rc", /is text whose lines end with carriage returns alone: tr '\\r' '\\n'/],
    ["page.txt", "<!DOCTYPE html>\n<html>", /is an HTML page, perhaps an error of its server: grep/],
    ["sitemap.xml", '<?xml version="1.0"?>\n<urlset>', /is XML: xmllint/],
    ["lfs.txt", "version https://git-lfs.github.com/spec/v1\n", /is a pointer of Git LFS.*: git lfs pull/],
    ["one.json", '{"items": ["a"]}', /is one JSON value, not a list: jq -c '\.\[\]'/],
    ["map.txt", '{\n "a": 1\n}', /is one JSON value/],
    ["bad.json", "[\n1,\n", /is not JSON: repair it/],
    ["it's.zip", "PK\u0003\u0004\u0014", /unzip -p '\S+it'\\''s\.zip' > items/],
  ];
  for (const [name, content, message] of refused)
    it(`is refused if it is no list: ${name}`, () => {
      const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : content;
      assert.throws(
        () => fromFile("itemsFile", file(name, bytes)),
        (error: Error) => {
          assert.match(error.message, message);
          assert.match(error.message, /^Expected `itemsFile` to be a list, one item per line; [^\n]*$/);
          return error.name === "ConfigError";
        },
      );
    });
});

describe("items of the stack file", () => {
  it("are refused if YAML took them for something else", () => {
    for (const item of [1.1, Number("900719925474099312"), 1e21, "2024-01-01 00:00:00 +0000 UTC"])
      assert.throws(() => listed("items", ["a", item]), {
        message: `Expected \`items[1]\` to be a text, but YAML reads it as ${item}: quote it.`,
      });
    listed("items", [7, true, "2024-01-01", "01234"]);
  });
});
