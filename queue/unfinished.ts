/**
 * Error of a handler that hands items to other processes: an attempt did not get to its end, and the item is not to
 * blame. `released`: it goes back at no cost. `lost`: it is one of several that may have broken a process, and runs
 * alone the next time.
 */
export class Unfinished extends Error {
  override name = "Unfinished";
  readonly kind: "released" | "lost";
  constructor(kind: "released" | "lost", reason: string) {
    super(reason);
    this.kind = kind;
  }
}
