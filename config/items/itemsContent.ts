// Content of a file of items: lines of text, also packed or in UTF-16, or a JSON array. What is obviously something
// else is refused, with the command that makes a list of it.
/* eslint-disable no-control-regex -- such files are recognized by control characters */
import { constants } from "node:buffer";
import { basename } from "node:path";
import { gunzipSync } from "node:zlib";
import { KINDS, named } from "./notLists.ts";
import { ConfigError } from "../parse.ts";

/** Lines of items. */
export interface ItemsContent {
  /** Form of the lines (worker/README.md). */
  format: "text" | "ndjson" | "strings";
  bytes: Buffer;
}

/** Control characters that no text has. */
const NOT_TEXT = /[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]/g;
/** A content with more than one control character in this many characters is no text. */
const NOT_TEXT_SHARE = 0.01;
const LOOK_BYTES = 64 * 1024;

/** A command that prints the rows of a table with a header, each as a JSON object. */
const rowsOf = (file: string, separator: string) =>
  `python3 -c 'import csv, json, sys; [print(json.dumps(row)) for row in csv.DictReader(open(sys.argv[1], newline="", encoding="utf-8-sig"), delimiter="${separator}")]' ${file}`;

/** A path as a shell takes it. */
const word = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`);

/**
 * Reads what a file holds.
 * @param path Its path, for messages. The endings `.ndjson`, `.jsonl`, `.json` and `.csv` tell its format.
 * @throws ConfigError of one line for what is no list.
 */
export function itemsContent(path: string, content: Buffer): ItemsContent {
  const isPacked = content[0] === 0x1f && content[1] === 0x8b;
  // Advice is about what is in it.
  const file = isPacked ? `<(zcat ${word(path)})` : word(path);
  const bytes = fromUtf16(path, file, isPacked ? gunzipped(path, content) : content);
  refuseOthers(path, file, bytes);
  const extension = /\.(\w+)(\.gz)?$/.exec(path)?.[1]?.toLowerCase() ?? "";
  if (extension === "yaml" || extension === "yml") refuse(path, "YAML", `yq -r '.[]' ${file} > items.txt`);
  if (extension === "csv" || extension === "tsv") {
    // A cell in quotes may contain line ends.
    const separator =
      extension === "tsv" ? "\\t" : /^[^,\n]*;/.test(bytes.toString("latin1", 0, LOOK_BYTES)) ? ";" : ",";
    if (bytes.includes(34))
      refuse(path, "a table", `${rowsOf(file, separator)} > items.ndjson, an object for each row`);
    // Excel's own first line, before the header.
    const first = /^(\xef\xbb\xbf)?sep=/.test(bytes.toString("latin1", 0, 8)) ? 3 : 2;
    refuse(path, "a table, whose lines are rows", `tail -n +${first} ${file} > items.txt, without its header`);
  }
  if (extension === "ndjson" || extension === "jsonl") return { format: "ndjson", bytes };
  return fromJson(path, file, bytes, extension === "json") ?? { format: "text", bytes };
}

function refuse(path: string, what: string, advice: string): never {
  throw new ConfigError(
    `Expected \`itemsFile\` to be a list, one item per line; ${basename(path)} is ${what}: ${advice}`,
  );
}

function gunzipped(path: string, content: Buffer): Buffer {
  try {
    return gunzipSync(content);
  } catch (error) {
    return refuse(path, `gzip that cannot be unpacked (${(error as Error).message})`, "get the file again");
  }
}

/** The bytes as UTF-8, if a byte order mark says that they are UTF-16. */
function fromUtf16(path: string, file: string, bytes: Buffer): Buffer {
  const [first, second] = bytes;
  const isLittle = first === 0xff && second === 0xfe;
  if (!isLittle && !(first === 0xfe && second === 0xff)) return bytes;
  try {
    return Buffer.from(new TextDecoder(isLittle ? "utf-16le" : "utf-16be", { fatal: true }).decode(bytes));
  } catch {
    return refuse(path, "no text, though it begins like UTF-16", `iconv -t UTF-8 ${file} > items.txt`);
  }
}

function refuseOthers(path: string, file: string, bytes: Buffer): void {
  const start = bytes.toString("latin1", 0, LOOK_BYTES);
  for (const { starts, what, advice, at = 0 } of KINDS)
    if (starts.test(at > 0 ? start.slice(at) : start)) refuse(path, what, advice(file));
  if ((start.match(NOT_TEXT)?.length ?? 0) > start.length * NOT_TEXT_SHARE) refuse(path, "binary", named());
  if (bytes.includes(0)) {
    const isUtf16 = /^(.\0){4}|^(\0.){4}/s.test(start);
    if (isUtf16)
      refuse(path, "UTF-16", `iconv -f UTF-16${start[0] === "\0" ? "BE" : "LE"} -t UTF-8 ${file} > items.txt`);
    refuse(path, "binary, with zero bytes", `if they end the items: tr '\\0' '\\n' < ${file} > items.txt`);
  }
  if (!bytes.includes(10) && /\r./.test(start))
    refuse(path, "text whose lines end with carriage returns alone", `tr '\\r' '\\n' < ${file} > items.txt`);
}

/** The elements of a JSON array; lines of JSON as they are. Undefined for a text that is no JSON as a whole. */
function fromJson(path: string, file: string, bytes: Buffer, isJson: boolean): ItemsContent | undefined {
  const start = bytes.toString("latin1", 0, LOOK_BYTES).replace(/^\xef\xbb\xbf/, "");
  if (!isJson && !/^\s*[[{]/.test(start)) return undefined;
  if (bytes.length > constants.MAX_STRING_LENGTH)
    refuse(path, "JSON of more than 512 MiB", `jq -c '.[]' ${file} > items.ndjson; name lines of JSON .ndjson`);
  const text = bytes
    .toString()
    .replace(/^\ufeff/, "")
    .trim();
  // Lines of JSON are a list, even a single line, unless the name says otherwise.
  const isOneLine = !text.includes("\n");
  if (!isJson && isOneLine) return undefined;
  const value = parsed(text);
  if (Array.isArray(value)) {
    // Texts as they are, all else as JSON.
    const items = value.map((item) => (typeof item === "string" ? item : JSON.stringify(item)));
    return { format: "strings", bytes: Buffer.from(items.map((item) => JSON.stringify(item)).join("\n")) };
  }
  if (value !== undefined)
    refuse(path, "one JSON value, not a list", `jq -c '.[]' ${file} > items.ndjson, or the path of the list in it`);
  if (!isJson) return undefined;
  if (parsed(text.split("\n", 1)[0]!) !== undefined) return { format: "ndjson", bytes };
  return refuse(path, "not JSON", "repair it, or name it .txt if its lines are the items");
}

type Reviver = (key: string, value: unknown, context: { source: string }) => unknown;
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** The value of a text that is JSON; numbers keep their spelling. */
function parsed(text: string): unknown {
  const keepNumbers: Reviver = (_, value, { source }) => (typeof value === "number" ? rawJSON(source) : value);
  try {
    return JSON.parse(text, keepNumbers as Parameters<typeof JSON.parse>[1]) as unknown;
  } catch {
    return undefined;
  }
}
