// The handler of a stack that names no other: a model of your own. Packages that it imports are bundled.
import { setTimeout as sleep } from "node:timers/promises";
import type { ItemContext } from "../queue/index.ts";

/**
 * Called once for each item, and again after a failure. It may run twice for one item (a node dies after the work and
 * before the record of it), so make it idempotent.
 * @param item The item's text; `context.bytes` has its bytes.
 * @param context `id`, `attempt`, `signal` (aborts at `itemTimeout` and at shutdown), `log` (a line kept with the
 * item).
 * @returns The item's result, anything that has a JSON form; or nothing.
 * @throws Whatever it throws fails the attempt; `DoNotRetry` from `../queue/index.ts` fails the item for good.
 */
export default async function handle(item: string, { signal }: ItemContext) {
  await sleep(Number(process.env.WQ_WORK_SECONDS ?? 1) * 1000, undefined, { signal }); // your work goes here
  return { characters: item.length };
}
