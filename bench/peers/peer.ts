/** One system under test. All work on the same Redis, on items of the same size, with the same handler. */
export interface Peer {
  name: string;
  /** Puts items into an empty queue, in the way its documentation recommends for many. */
  seed(url: string, queue: string, items: string[]): Promise<void>;
  /**
   * Works until nothing is left. The clock runs from the first call of the handler until the last item is known to be
   * recorded.
   */
  drain(url: string, queue: string, slots: number, count: number): Promise<Drained>;
  /** Number of items that Redis has as done. */
  done(url: string, queue: string): Promise<number>;
}

/** The result of a drain. */
export interface Drained {
  /** Items as the system itself counts them. */
  count: number;
  ms: number;
}

/** The handler of every system: an asynchronous function that does nothing. */
export async function nothing(): Promise<void> {}

/** The item with this number: 12 bytes. One flat string, as from a file. */
function item(number: number): string {
  return Buffer.from(`item-${String(number).padStart(7, "0")}`).toString("latin1");
}

/** The items from 0. */
export function items(count: number): string[] {
  return Array.from({ length: count }, (_, number) => item(number));
}

/** Cuts a list into parts of at most `size`. */
export function* runsOf<T>(list: T[], size: number): Generator<T[]> {
  for (let from = 0; from < list.length; from += size) yield list.slice(from, from + size);
}
