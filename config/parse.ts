// The checks a setting goes through: each returns the value as the program uses it, or refuses it in one line.
import ms, { type StringValue } from "ms";

/** A setting that cannot be used: which, what it is, and what is allowed. */
export class BadSetting extends Error {
  override name = "BadSetting";
}

/** Refuses `value` of `key`, in one line. */
export function refuse(key: string, expected: string, value: unknown): never {
  const got = value === undefined ? "nothing" : JSON.stringify(value);
  throw new BadSetting(
    `Expected \`${key}\` to be ${expected}, got ${got.length > 120 ? `${got.slice(0, 120)}…` : got}.`,
  );
}

/** A setting's text as it stands in the stack file. */
export type Text = string | undefined;

/** A whole number from `min` up. */
export function whole(key: string, text: string, min: number): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(number) || number < min)
    refuse(key, `an integer from ${min} up`, text);
  return number;
}

/** A number above or equal to 0. */
export function amount(key: string, text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number < 0) refuse(key, "a number from 0 up", text);
  return number;
}

/** `true` or `false`. */
export function flag(key: string, text: string): boolean {
  if (text !== "true" && text !== "false") refuse(key, "true or false", text);
  return text === "true";
}

/** One of some words. */
export function oneOf<const T extends string>(key: string, text: string, words: readonly T[]): T {
  if (!words.includes(text as T)) refuse(key, `one of ${words.join(", ")}`, text);
  return text as T;
}

/** A duration like `500ms`, `10s`, `5m`, `2h`, `1d`, in ms. */
export function duration(key: string, text: string, minMs: number): number {
  const value = /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text) ? ms(text as StringValue) : NaN;
  if (Number.isNaN(value) || value < minMs)
    refuse(key, `a duration from ${ms(minMs)} up, like 500ms, 10s, 5m, 2h or 1d`, text);
  return Math.round(value);
}

/** Two durations like `1s..5m`: the wait after the first failure, and the longest. */
export function durations(key: string, text: string): { min: number; max: number } {
  const [min, max, ...rest] = text.split("..");
  const parts = [min, max].map((part) =>
    /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(part ?? "") ? ms(part as StringValue) : NaN,
  );
  const [from, to] = parts as [number, number];
  if (rest.length > 0 || !(from <= to)) refuse(key, "two durations, the shorter first, like 1s..5m", text);
  return { min: from, max: to };
}

const units: Record<string, number> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** A Kubernetes quantity of bytes like `256Mi`, in bytes. */
export function bytes(key: string, text: string, min: number): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti|)$/.exec(text) ?? [];
  const value = Number(number) * (units[unit ?? "?"] ?? NaN);
  if (Number.isNaN(value) || value < min)
    refuse(key, `a quantity of bytes from ${min / 2 ** 20}Mi up, like 256Mi or 1Gi`, text);
  return value;
}

/** A Kubernetes name: lower-case letters, digits and dashes, at most 63. */
export function name(key: string, text: string): string {
  if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text))
    refuse(key, "lower-case letters, digits and dashes, at most 63 of them", text);
  return text;
}

const component = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const host = "(?:localhost|[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\\d))(?::\\d+)?";
const reference = new RegExp(
  `^(?:(${host})/)?(${component}(?:/${component})*)(?::([\\w][\\w.-]{0,127}))?(@sha256:[0-9a-f]{64})?$`,
);

/** A container image's name: `[registry[:port]/]path[:tag][@sha256:…]`. */
export function image(key: string, text: string): string {
  if (!reference.test(text)) refuse(key, "an image's name like ghcr.io/you/job-wq-2 or redis:8, in lower case", text);
  return text;
}

/** The registry an image's name belongs to: its host, `docker.io` where it has none. */
export function registryOf(name: string): string {
  return reference.exec(name)?.[1] ?? "docker.io";
}

/** Whether an image's name says which registry it belongs to: without, it could be pushed nowhere. */
export function hasRegistry(name: string): boolean {
  return reference.exec(name)?.[1] !== undefined;
}

/** A range like `1..1000` with both ends included. */
export function range(key: string, text: string): { from: number; to: number } {
  const [, from, to] = (/^(\d+)\.\.(\d+)$/.exec(text) ?? []).map(Number);
  if (from === undefined || to === undefined || !Number.isSafeInteger(to) || from > to) {
    refuse(key, "two whole numbers, the smaller first, like 1..1000", text);
  }
  return { from, to };
}
