/** Error that a handler throws if another attempt would not help: the item is dead at once. */
export class DoNotRetry extends Error {
  override name = "DoNotRetry";
}
