import { environmentUrl } from "../redis/address.ts";
import { QueueAdmin } from "./admin.ts";

/** The result of one item. */
export interface ItemResult {
  item: string;
  /** Its handler's return value; undefined if there was none. */
  value: unknown;
  /** The value was longer than `maxResultBytes`: it is the beginning of its JSON text. */
  truncated?: true;
}

/**
 * For handlers: the results of another batch on the same Redis, in the order of its items. Failed items are left out.
 *
 *     for await (const { item, value } of resultsOf("thumbs")) …
 *
 * @param queue Name of the other batch's queue.
 * @throws Error with one line if Redis cannot be reached.
 */
export async function* resultsOf(queue: string): AsyncIterable<ItemResult> {
  const admin = await QueueAdmin.open(await environmentUrl(), queue);
  try {
    for await (const { payload, outcome, value, truncated } of admin.results()) {
      if (outcome !== "done") continue;
      const item = payload.toString();
      if (truncated) yield { item, value, truncated };
      else yield { item, value: value === undefined ? undefined : (JSON.parse(value) as unknown) };
    }
  } finally {
    await admin.close();
  }
}
