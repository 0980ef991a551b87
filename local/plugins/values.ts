// Values on the wire to the engine, which are JSON with marks for secrets, outputs and what is not known yet; and the
// comparison of two of them.

/** Sentinels of Pulumi's wire format: https://github.com/pulumi/pulumi, sdk/nodejs/runtime/rpc.ts. */
const KIND = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
/** A value that is not known yet. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Fields = { [key: string]: Json };

export const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A value to be kept encrypted. */
export const secret = (value: Json): Fields => ({ [KIND]: SECRET, value });

/** The value itself, whatever it is wrapped in. */
export function plain(value: Json | undefined): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value ?? null;
  if (value[KIND] === SECRET || value[KIND] === OUTPUT) return "value" in value ? plain(value.value) : UNKNOWN;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** The same without outputs: known ones become values, secret ones secrets, the others unknown. */
export function settled(value: Json): Json {
  if (Array.isArray(value)) return value.map(settled);
  if (!isObject(value)) return value;
  if (value[KIND] === OUTPUT) {
    const inner = "value" in value ? settled(value.value) : UNKNOWN;
    return value.secret ? secret(inner) : inner;
  }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, settled(inner)]));
}

/** Objects merged field by field; what `over` has counts, a list or a secret as a whole. */
export function merged(under: Json | undefined, over: Json): Json {
  if (!isObject(under) || !isObject(over) || KIND in over) return over;
  const fields = Object.entries(over).map(([key, value]) => [key, merged(under[key], value)] as const);
  return { ...under, ...Object.fromEntries(fields) };
}

/** Whether something in a plain value is not known yet. */
export function hasUnknown(value: Json): boolean {
  if (Array.isArray(value)) return value.some(hasUnknown);
  return isObject(value) ? Object.values(value).some(hasUnknown) : value === UNKNOWN;
}

/** Paths, like `spec.template`, at which two plain values differ; at most one below each field of `depth` levels. */
export function differences(before: Json, after: Json, path: string[] = []): string[][] {
  if (isObject(before) && isObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differences(before[key] ?? null, after[key] ?? null, [...path, key]));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((inner, index) => differences(inner, after[index]!, [...path, String(index)]));
  }
  return before === after ? [] : [path];
}
