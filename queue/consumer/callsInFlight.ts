/** Content of a call for items. */
export interface FetchRequest {
  /** Number of items. */
  count: number;
  /** True if nothing else is in flight: then the call may bring a suspect, which must run alone. */
  exclusive: boolean;
  /** True if it asks for one item from anywhere in the list. */
  sample: boolean;
  /** True if it only asks whether the batch is over. */
  isLook: boolean;
}

/**
 * The calls that Redis has not answered yet: at most two, one with an even number and one with an odd. Redis keeps the
 * last answer of each parity, so each of the two can be sent again.
 */
export class CallsInFlight {
  readonly #requests = new Map<number, FetchRequest>();
  #lastNumber = 0;

  get size(): number {
    return this.#requests.size;
  }

  /** Number of items that they ask for. */
  get requested(): number {
    let sum = 0;
    for (const { count } of this.#requests.values()) sum += count;
    return sum;
  }

  /** True if one of them may bring a suspect. */
  get hasExclusive(): boolean {
    for (const { exclusive } of this.#requests.values()) if (exclusive) return true;
    return false;
  }

  /** Notes a new call. @returns Its number. */
  start(request: FetchRequest): number {
    const [other] = this.#requests.keys();
    const isSameParity = other !== undefined && (this.#lastNumber + 1) % 2 === other % 2;
    this.#lastNumber += isSameParity ? 2 : 1;
    this.#requests.set(this.#lastNumber, request);
    return this.#lastNumber;
  }

  /** Notes the end of a call, answered or not. */
  finish(number: number): void {
    this.#requests.delete(number);
  }
}
