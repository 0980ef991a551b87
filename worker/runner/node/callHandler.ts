// Calls the user's function: on one item, or on a batch of them.
import { fail, items, running, succeed } from "./attempts.ts";
import type { BatchFunction, OneFunction } from "./loadHandler.ts";
import type { RunningItem } from "./runningItem.ts";

/** Calls the handler on an item. One that returns no promise costs none. */
export function runOne(one: OneFunction, item: RunningItem): void {
  try {
    const value = running.run([item], one, item.text, item);
    if (typeof (value as PromiseLike<unknown> | undefined)?.then === "function")
      (value as PromiseLike<unknown>).then(
        (result) => succeed(item, result),
        (error: unknown) => fail(item, error),
      );
    else succeed(item, value);
  } catch (error) {
    fail(item, error);
  }
}

/** Each item of a batch has its own outcome. If the function throws, each runs alone next: one may be to blame. */
export async function runBatch(batch: BatchFunction, all: RunningItem[]): Promise<void> {
  try {
    const texts = all.map(({ text }) => text);
    const results = (await running.run(all, async () => batch(texts, { items: all }))) as unknown[];
    if (!Array.isArray(results) || results.length !== all.length)
      throw new TypeError(
        `handleBatch returned ${Array.isArray(results) ? `${results.length} results` : "no list"} for ${all.length} items`,
      );
    const settled = await Promise.allSettled(results);
    for (const [index, outcome] of settled.entries()) {
      if (outcome.status === "rejected") fail(all[index]!, outcome.reason);
      else succeed(all[index]!, outcome.value);
    }
  } catch (error) {
    if (all.length === 1) return fail(all[0]!, error);
    for (const item of all) if (items.has(item.id)) await runBatch(batch, [item]);
  }
}
