// The protocol of worker and runner: lines of JSON (worker/README.md).
import { isUtf8 } from "node:buffer";
import { parseJson } from "../command/output.ts";

/** An item as a runner is given it. */
export interface Work {
  id: number;
  attempt: number;
  bytes: Buffer;
}

/** A line of a runner: it is ready or cannot load, or something about an item in flight. */
export type Answer =
  | { ready: true }
  | { ready: false; error: string }
  | ItemAnswer
  | { id: number; log: string }
  | { id: number; progress: number };

/** The end of an attempt; `later`: try it again after this many ms, at no cost. */
export type ItemAnswer = { id: number } & (
  { result?: unknown } | { error: string; retry?: boolean } | { later: number } | { cancelling: true }
);

/** The line that gives a runner one item, or several at once. */
export function workLine(items: Work[], isBatch: boolean): string {
  return isBatch ? `{"items":[${items.map(workJson).join()}]}\n` : `${workJson(items[0]!)}\n`;
}

function workJson({ id, attempt, bytes }: Work): string {
  const item = isUtf8(bytes) ? `"item":${JSON.stringify(bytes.toString())}` : `"base64":"${bytes.toString("base64")}"`;
  return `{"id":${id},"attempt":${attempt},${item}}`;
}

/** The line that asks a runner to stop working on an item. */
export const cancelLine = (id: number): string => `{"cancel":${id}}\n`;

/** Reads a line of a runner. Numbers of a result keep their spelling. @returns undefined for what is no answer. */
export function parseAnswer(line: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(line);
    if (!isAnswer(value)) return undefined;
    return "result" in value ? { ...value, result: (parseJson(line) as { result: unknown }).result } : value;
  } catch {
    return undefined;
  }
}

function isAnswer(value: unknown): value is Answer {
  if (typeof value !== "object" || value === null) return false;
  const { ready, id, error, log, later, progress } = value as Record<string, unknown>;
  if (ready !== undefined) return ready === true || (ready === false && typeof error === "string");
  const isTextOr = (field: unknown, type: string) => field === undefined || typeof field === type;
  return (
    Number.isSafeInteger(id) &&
    isTextOr(error, "string") &&
    isTextOr(log, "string") &&
    isTextOr(later, "number") &&
    isTextOr(progress, "number")
  );
}
