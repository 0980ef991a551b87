import type { Handler, ItemContext } from "../queue/index.ts";

/**
 * A handler that begins no attempt at an item beside an earlier one here, which may still be ending: its lease was
 * lost, or it was cancelled, and the item came back.
 */
export function inTurn(handler: (item: string, context: ItemContext) => Promise<unknown>): Handler {
  /** The last attempt at each item of this worker. */
  const attempts = new Map<number, Promise<unknown>>();
  return (item, context) => {
    const { id } = context;
    const begin = () => handler(item, context);
    const attempt = attempts.get(id)?.then(begin, begin) ?? begin();
    attempts.set(id, attempt);
    const forget = () => void (attempts.get(id) === attempt && attempts.delete(id));
    attempt.then(forget, forget);
    return attempt;
  };
}
