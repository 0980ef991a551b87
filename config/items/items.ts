// The items of a stack, from one of three sources, as the seeding Job will get them.
import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { MAX_ITEM_BYTES, TOO_LONG_ADVICE } from "../../queue/limits.ts";
import { itemsContent } from "./itemsContent.ts";
import { ConfigError, invalid, itemsRange } from "../parse.ts";

/** Most bytes of items in a ConfigMap, which may hold 1 MiB in all, in base64. */
export const MAX_INLINE = 512 * 1024;

/** A range of numbers, as items. */
export interface ItemRange {
  kind: "range";
  range: string;
  digest: string;
}

/** A list of items, one per line. */
export interface ItemList {
  kind: "file";
  /** Form of its lines (worker/README.md). */
  format: "text" | "ndjson" | "strings";
  gzipped: Buffer;
  /** Small enough for a ConfigMap. */
  inline: boolean;
  digest: string;
  /** False if a handler would find replacement characters in an item. */
  isText: boolean;
  /** True if the first item looks like an object or an array of JSON. */
  isJson: boolean;
}

const sha = (text: string | Buffer) => createHash("sha256").update(text).digest("hex");

function packed(format: "text" | "ndjson" | "strings", text: string | Buffer): ItemList {
  const gzipped = gzipSync(text, { level: 9 });
  gzipped[9] = 255; // the operating system's number: the same items give the same bytes everywhere
  const isJson = /^\ufeff?"?\s*[[{]/.test(String(text.slice(0, 256)));
  const inline = gzipped.length <= MAX_INLINE;
  return { kind: "file", format, gzipped, inline, digest: sha(text), isText: true, isJson };
}

/** Items of the stack file: a list of texts. */
export function listed(key: string, list: unknown): ItemList {
  if (!Array.isArray(list)) invalid(key, "a list of texts", list);
  if (list.length === 0) invalid(key, "a list with at least one item", list);
  const lines = list.map((item: unknown, index) => {
    if (!["string", "number", "boolean"].includes(typeof item)) {
      invalid(`${key}[${index}]`, "a text (for JSON use itemsFile with an .ndjson file)", item);
    }
    const text = String(item);
    if (isChanged(item)) unquoted(`${key}[${index}]`, text);
    if (Buffer.byteLength(text) > MAX_ITEM_BYTES) tooLong(`${key}[${index}]`);
    return JSON.stringify(text);
  });
  return packed("strings", lines.join("\n"));
}

/** YAML's values of `1.10`, 18 digits and `2024-01-01` without quotes. */
const isChanged = (item: unknown) =>
  typeof item === "number"
    ? !Number.isSafeInteger(item)
    : /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* \+0000 UTC$/.test(String(item));

/** Refuses an item that YAML does not read as a text, and so changes. */
export function unquoted(where: string, got: string, written?: string): never {
  const text = written === undefined ? "" : `, "${written}"`;
  throw new ConfigError(
    `Expected \`${where}\` to be a text, but YAML reads ${written ?? "it"} as ${got}: quote it${text}.`,
    `Expected \`${where}\` to be a text: quote it.`,
  );
}

function tooLong(where: string): never {
  throw new ConfigError(`Expected ${where} to be at most 1 MiB: ${TOO_LONG_ADVICE}.`);
}

/** Items of a file, the bytes of one line each (seed/lines.ts). Lines of `.ndjson` and `.jsonl` must be JSON. */
export function fromFile(key: string, path: string): ItemList {
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return invalid(key, `the path of a readable file, seen from the project (${unreadable(path, code)})`, path);
  }
  const { format, bytes } = itemsContent(path, content);
  content = bytes;
  let items = 0;
  const byteOrderMark = content.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf]));
  for (let start = byteOrderMark ? 3 : 0, number = 1; start < content.length; number++) {
    const feed = content.indexOf(10, start);
    const next = feed < 0 ? content.length : feed;
    const end = next > start && content[next - 1] === 13 ? next - 1 : next;
    if (end - start > MAX_ITEM_BYTES) tooLong(`line ${number} of ${path}`);
    if (end > start) {
      items++;
      if (format === "ndjson") checkJson(path, number, content.toString("utf8", start, end));
    }
    start = next + 1;
  }
  if (items === 0) invalid(key, "a file with at least one item, one per line", path);
  return { ...packed(format, content), isText: isUtf8(content) };
}

/** Reason why a path names no file, and how to make a list of what it names. */
function unreadable(path: string, code: string | undefined): string {
  if (code === "EISDIR") return `it is a folder: \`ls -d ${path.replace(/\/$/, "")}/* > items.txt\` lists its files`;
  if (code !== "ENOENT") return String(code);
  if (/^[a-z]\w+:\/\//i.test(path)) return "it is an address: download it first";
  return /[*?]/.test(path)
    ? `it is a pattern: \`ls -d ${path} > items.txt\` makes a list`
    : `there is no ${resolve(path)}`;
}

function checkJson(path: string, number: number, line: string): void {
  try {
    JSON.parse(line);
  } catch {
    throw new ConfigError(`Expected line ${number} of ${path} to be JSON, got ${line.slice(0, 80)}`);
  }
}

/** The numbers of a range. */
export function fromRange(key: string, text: string): ItemRange {
  itemsRange(key, text);
  return { kind: "range", range: text, digest: sha(text) };
}
