/** Thrown by a handler: this item is dead at once, whatever `maxAttempts` says. */
export class DoNotRetry extends Error {
  override name = "DoNotRetry";
}
