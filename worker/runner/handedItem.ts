import { advised } from "../processes/advice.ts";
import { DoNotRetry, type ItemContext, TryLater } from "../../queue/index.ts";
import type { ItemAnswer, Work } from "./protocol.ts";

/** An item on its way through a runner. The handler's promise waits for it. */
export class HandedItem implements Work {
  readonly context: ItemContext;
  readonly id: number;
  readonly attempt: number;
  readonly bytes: Buffer;
  /** The unit in which it went to a runner, with the number of its items that are not settled. */
  unit?: { left: number };
  /** True if the runner said that it stops this item. Then no other item blocks the runner. */
  isCancelling = false;
  isSettled = false;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;

  constructor(context: ItemContext, resolve: (value: unknown) => void, reject: (error: unknown) => void) {
    this.context = context;
    this.id = context.id;
    this.attempt = context.attempt;
    this.bytes = context.bytes;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  succeed(value: unknown): void {
    this.isSettled = true;
    this.#resolve(value);
  }

  fail(error: unknown): void {
    this.isSettled = true;
    this.#reject(error);
  }
}

/** Tells the promise of an item how its attempt ended. */
export function tell(item: HandedItem, answer: ItemAnswer): void {
  if ("error" in answer) {
    const { retry } = answer;
    const error = advised(answer.error);
    item.fail(withoutStack(retry === false ? new DoNotRetry(error) : new Error(error)));
  } else if ("later" in answer) item.fail(new TryLater(Math.min(Math.max(0, answer.later), Number.MAX_SAFE_INTEGER)));
  else item.succeed("result" in answer ? answer.result : undefined);
}

/** The error of a runner: its text has the stack already. */
export function withoutStack(error: Error): Error {
  error.stack = "";
  return error;
}
