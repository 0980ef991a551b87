// The little of MessagePack that requests to scripts need, written as a binary string: one character per byte. V8 joins
// strings much faster than it fills buffers piece by piece, and the whole becomes bytes in one copy.

/** Values that can be encoded; `undefined` fields of an object are left out. */
export type Packable =
  string | number | boolean | readonly Packable[] | { readonly [field: string]: Packable | undefined };

// eslint-disable-next-line no-control-regex -- control characters are ASCII, too
const NOT_ASCII = /[^\x00-\x7f]/;
const byte = String.fromCharCode;
const word = (value: number) => byte((value >>> 8) & 255, value & 255);
const long = (value: number) => word(value >>> 16) + word(value);

/** Encodes a value; read the result as latin1. */
export function pack(value: Packable): string {
  if (typeof value === "string") return packText(value);
  if (typeof value === "boolean") return value ? "\xc3" : "\xc2";
  if (typeof value === "number") return packNumber(value);
  if (Array.isArray(value)) return packList(value as readonly Packable[]);
  const fields = Object.entries(value).filter(([, content]) => content !== undefined);
  let packed = byte(0xde) + word(fields.length);
  for (const [field, content] of fields) packed += packText(field) + pack(content!);
  return packed;
}

function packText(text: string): string {
  const bytes = NOT_ASCII.test(text) ? Buffer.from(text).toString("latin1") : text;
  const { length } = bytes;
  if (length < 32) return byte(0xa0 | length) + bytes;
  if (length < 0x10000) return byte(0xda) + word(length) + bytes;
  return byte(0xdb) + long(length) + bytes;
}

function packNumber(value: number): string {
  if (Number.isInteger(value) && value >= 0 && value < 0x100000000) {
    return value < 128 ? byte(value) : byte(0xce) + long(value);
  }
  const bytes = Buffer.alloc(9, 0xcb);
  bytes.writeDoubleBE(value, 1);
  return bytes.toString("latin1");
}

function packList(list: readonly Packable[]): string {
  let packed = byte(0xdd) + long(list.length);
  for (const item of list) packed += pack(item);
  return packed;
}
