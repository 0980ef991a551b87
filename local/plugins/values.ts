// Values on the wire to the engine, which are JSON with marks for secrets, outputs and what is not known yet.

/** Sentinels of Pulumi's wire format: https://github.com/pulumi/pulumi, sdk/nodejs/runtime/rpc.ts. */
const KIND = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";
const OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4";
/** A value that is not known yet. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type Fields = { [key: string]: Json };

const isObject = (value: unknown): value is Fields =>
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
