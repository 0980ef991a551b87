// The attempts that run in this process, and how each ends.
import { AsyncLocalStorage } from "node:async_hooks";
import { errorText, nameOf } from "../../../queue/errorText.ts";
import { say } from "./answers.ts";
import { resultJson } from "./resultJson.ts";
import type { RunningItem } from "./runningItem.ts";

/** Items whose attempts have not ended, by id. */
export const items = new Map<number, RunningItem>();

/** The items for which some code runs, one or a batch. Known in all that the code awaits, and in its callbacks. */
export const running = new AsyncLocalStorage<RunningItem[]>();

/** The running items of the caller: one item, or those of a batch that have not ended. */
export const itemsHere = (): RunningItem[] => running.getStore()?.filter(({ id }) => items.has(id)) ?? [];

/** The kept text of an error, with the stack frames of the handler, and without those of its caller. */
export const reasonOf = (error: unknown) =>
  errorText(error).replaceAll(/\n +at AsyncLocalStorage\.run \(node:.*(\n +at .*)*/g, "");

/** Tells how an attempt ended; only the first word counts. @param json Result, as JSON. */
function end(item: RunningItem, outcome: object, json?: string): void {
  if (items.get(item.id) !== item) return;
  item.flushLog();
  say({ id: item.id, ...outcome }, json);
  items.delete(item.id);
}

export function succeed(item: RunningItem, result: unknown): void {
  if (result instanceof Error) return fail(item, result);
  try {
    end(item, {}, resultJson(result));
  } catch (error) {
    // A BigInt, or a value that contains itself.
    fail(item, new TypeError(`the result has no JSON form: ${String((error as Error).message).split("\n")[0]}`));
  }
}

export function fail(item: RunningItem, error: unknown): void {
  const later = nameOf(error) === "TryLater" ? (error as { delayMs?: unknown }).delayMs : undefined;
  if (Number.isFinite(later)) end(item, { later });
  else end(item, { error: reasonOf(error), ...(nameOf(error) === "DoNotRetry" && { retry: false }) });
}
