// Files that are obviously no list of items, and the command that makes one of each.
/* eslint-disable no-control-regex -- such files are recognized by control characters */

/** Python's one-liner that prints one column of a table. */
const column = (reader: string) => (file: string) =>
  `python3 -c 'import pandas, sys; print(*pandas.${reader}(sys.argv[1]).iloc[:, 0], sep="\\n")' ${file} > items.txt`;
const unpacked = (tool: string) => (file: string) => `${tool} ${file} > items.txt`;
/** Advice about files that are items themselves. */
export const named = () => "put the names of such files into a list, one per line";

type Advice = (file: string) => string;

/** Files by their first bytes, in Latin-1; `at` is where those are. */
export const KINDS: { starts: RegExp; what: string; advice: Advice; at?: number }[] = [
  { starts: /^PK\x03\x04[^]*xl\//, what: "an Excel workbook", advice: column("read_excel") },
  { starts: /^PK(\x03\x04|\x05\x06)/, what: "a zip archive", advice: unpacked("unzip -p") },
  { starts: /^\xd0\xcf\x11\xe0/, what: "an Excel workbook or another Office file", advice: column("read_excel") },
  { starts: /^PAR1/, what: "Parquet", advice: column("read_parquet") },
  { starts: /^(ARROW1|FEA1)/, what: "Arrow", advice: column("read_feather") },
  { starts: /^ORC/, what: "ORC", advice: column("read_orc") },
  { starts: /^Obj\x01/, what: "Avro", advice: (file) => `fastavro ${file} > items.ndjson` },
  {
    starts: /^SQLite format 3/,
    what: "an SQLite database",
    advice: (file) => `sqlite3 ${file} 'SELECT …' > items.txt`,
  },
  { starts: /^BZh[1-9]/, what: "packed with bzip2", advice: unpacked("bzcat") },
  { starts: /^\xfd7zXZ/, what: "packed with xz", advice: unpacked("xzcat") },
  { starts: /^\x28\xb5\x2f\xfd/, what: "packed with zstd", advice: unpacked("zstdcat") },
  { starts: /^\x04\x22\x4d\x18/, what: "packed with lz4", advice: unpacked("lz4cat") },
  { starts: /^7z\xbc\xaf/, what: "a 7z archive", advice: unpacked("7z x -so") },
  { starts: /^ustar/, at: 257, what: "a tar archive", advice: unpacked("tar -xOf") },
  { starts: /^\{\\rtf/, what: "a document (RTF)", advice: () => "save it as plain text" },
  { starts: /^%PDF-/, what: "a PDF", advice: named },
  { starts: /^(\x89PNG|\xff\xd8\xff|GIF8|II\*\0|MM\0\*|RIFF....WEBP)/, what: "an image", advice: named },
  {
    starts: /^version https:\/\/git-lfs/,
    what: "a pointer of Git LFS, not the file itself",
    advice: (file) => `git lfs pull --include ${file}`,
  },
  {
    starts: /^\s*<(!doctype html|html[\s>])/i,
    what: "an HTML page, perhaps an error of its server",
    advice: (file) => `grep -oE 'https?://[^"]+' ${file} > items.txt`,
  },
  {
    starts: /^\s*<\?xml\s/,
    what: "XML",
    advice: (file) => `xmllint --xpath '//*[local-name()="loc"]/text()' ${file} > items.txt`,
  },
];
