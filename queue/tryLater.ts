/**
 * Error that a handler throws if its item should be tried again after a time, for instance because a service asks
 * for it: that costs no attempt. An item is put off 1,000 times in a row at most.
 */
export class TryLater extends Error {
  override name = "TryLater";
  readonly delayMs: number;

  /** @param delayMs How long to wait, ms, 0 or more. @throws RangeError if it is no such number. */
  constructor(delayMs: number, message = `try again in ${delayMs} ms`) {
    if (!(delayMs >= 0 && delayMs <= Number.MAX_SAFE_INTEGER))
      throw new RangeError(`Expected delayMs to be a number of milliseconds, 0 or more, got ${delayMs}.`);
    super(message);
    this.delayMs = delayMs;
  }
}
