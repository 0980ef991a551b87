// Parsers of one number, flag, word, duration or size.
import ms, { type StringValue } from "ms";
import { invalid } from "./configError.ts";
import { parser } from "./parser.ts";

/** A number, even if it is written as text; NaN for anything else. */
function numeric(value: unknown): number {
  if (typeof value === "number") return value;
  return typeof value === "string" && value.trim() !== "" ? Number(value) : NaN;
}

/** Any text. Numbers and flags count as their texts. */
export const text = parser("string", (key, value) => {
  if (!["string", "number", "boolean"].includes(typeof value)) invalid(key, "a text", value);
  return String(value);
});

/** A whole number from `min` up, to `max` if there is one. */
export const integer = (min: number, max = Infinity) =>
  parser("number", (key, value) => {
    const number = numeric(value);
    if (!Number.isSafeInteger(number) || number < min || number > max)
      invalid(key, max === Infinity ? `an integer from ${min} up` : `an integer from ${min} to ${max}`, value);
    return number;
  });

/** A number of pods, or a range of it like `2..100`. */
export const parallelism = parser("number | string", (key, value) => {
  const [, min, max] = (/^(\d+)\.\.(\d+)$/.exec(String(value)) ?? []).map(Number);
  const pods = numeric(value);
  if (min !== undefined && max !== undefined && min >= 1 && max >= min) return { min, max };
  if (Number.isSafeInteger(pods) && pods >= 1) return { min: pods, max: pods };
  return invalid(key, "an integer from 1 up, or a range like 2..100", value);
});

/** A number above or equal to 0. */
export const amount = parser("number", (key, value) => {
  const number = numeric(value);
  if (!Number.isFinite(number) || number < 0) invalid(key, "a number from 0 up", value);
  return number;
});

/** `true` or `false`. */
export const flag = parser("boolean", (key, value) => {
  if (String(value) !== "true" && String(value) !== "false") invalid(key, "true or false", value);
  return String(value) === "true";
});

/** One of some words. */
export const oneOf = <const T extends string>(...words: T[]) =>
  parser("string", (key, value) => {
    if (!words.includes(value as T)) invalid(key, `one of ${words.join(", ")}`, value);
    return value as T;
  });

/** A text like `10s` in ms; NaN for any other. */
function milliseconds(value: unknown): number {
  return typeof value === "string" && /^\d+(\.\d+)?(ms|s|m|h|d)$/.test(value) ? ms(value as StringValue) : NaN;
}

/** A duration like `500ms`, `10s`, `5m`, `2h`, `1d`, in ms. */
export const duration = (minMs: number) =>
  parser("string", (key, value) => {
    const time = milliseconds(value);
    if (Number.isNaN(time) || time < minMs)
      invalid(key, `a duration from ${ms(minMs)} up, like 500ms, 10s, 5m, 2h or 1d`, value);
    return Math.round(time);
  });

/** Two durations like `1s..5m`, the shorter first, in ms. */
export const durationRange = parser("string", (key, value) => {
  const parts = typeof value === "string" ? value.split("..").map(milliseconds) : [];
  const [min = NaN, max = NaN] = parts;
  if (parts.length !== 2 || !(min <= max)) invalid(key, "two durations, the shorter first, like 1s..5m", value);
  return { min, max };
});

const UNITS: Record<string, number> = {
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
export const bytes = (min: number) =>
  parser("string", (key, value) => {
    const [, number, unit] = /^(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti|)$/.exec(String(value)) ?? [];
    const quantity = Number(number) * (UNITS[unit ?? "?"] ?? NaN);
    if (Number.isNaN(quantity) || quantity < min)
      invalid(key, `a quantity of bytes from ${min / 2 ** 20}Mi up, like 256Mi or 1Gi`, value);
    return quantity;
  });

/** A range like `1..1000` with both ends included, as it is written. */
export const itemsRange = parser("string", (key, value) => {
  const [, from, to] = (/^(\d+)\.\.(\d+)$/.exec(String(value)) ?? []).map(Number);
  if (from === undefined || to === undefined || !Number.isSafeInteger(to) || from > to)
    invalid(key, "two whole numbers, the smaller first, like 1..1000", value);
  return String(value);
});
