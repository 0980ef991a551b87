// A handler that hands items to runners: processes that live as long as the pod.
import type { Handler } from "../../queue/index.ts";
import { Host, type HostOptions } from "./host.ts";
import { HandedItem } from "./handedItem.ts";
import { inTurn } from "../inTurn.ts";

/** Options of a pool of runners. */
export interface PoolOptions extends HostOptions {
  runners: number;
  /** Most items of a batch, and how long a partial one waits for more, ms. */
  batch: number;
  batchWaitMs: number;
  /** Called with printed lines that belong to no item. */
  onLine: (line: string) => void;
}

/** Runners, and the items that wait for one. */
export class RunnerPool {
  /** Resolves when the first runner is ready. Rejects, also later, with one line when none can be started. */
  readonly ready: Promise<void>;
  readonly failure: Promise<never>;
  readonly #options: PoolOptions;
  readonly #hosts: Host[];
  /** Items that no runner has, and since when the first of a batch waits. */
  #waiting: HandedItem[] = [];
  #waitsSince = 0;
  #timer?: NodeJS.Timeout;
  #fail!: (error: Error) => void;
  #started!: () => void;
  #isEnding = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.failure = new Promise<never>((_, reject) => (this.#fail = reject));
    this.failure.catch(() => {});
    const started = new Promise<void>((resolve) => (this.#started = resolve));
    this.ready = Promise.race([started, this.failure]);
    const listener = {
      onRoom: () => {
        this.#started();
        this.#handOut();
      },
      onLine: options.onLine,
      onFailure: (reason: string) => this.#fail(new Error(reason)),
    };
    this.#hosts = Array.from({ length: options.runners }, () => new Host(options, listener));
  }

  /** Number of items that the ready runners work on at a time. */
  get slots(): number {
    const { units, batch } = this.#options;
    return this.#hosts.filter(({ isReady }) => isReady).length * units * batch;
  }

  readonly handler: Handler = inTurn(
    (_, context) => new Promise((resolve, reject) => this.#accept(new HandedItem(context, resolve, reject))),
  );

  /** Asks all runners to end, and kills what is left of them after `ms`. */
  async end(ms: number): Promise<void> {
    this.#isEnding = true;
    await Promise.all(this.#hosts.map((host) => host.end(ms)));
  }

  #accept(item: HandedItem): void {
    item.context.signal.addEventListener("abort", () => this.#onAbort(item), { once: true });
    if (item.context.signal.aborted) return this.#onAbort(item);
    if (this.#waiting.length === 0) this.#waitsSince = performance.now();
    this.#waiting.push(item);
    this.#handOut();
  }

  #onAbort(item: HandedItem): void {
    if (item.isSettled) return;
    if (item.unit) return this.#hosts.forEach((host) => host.cancel(item));
    this.#waiting = this.#waiting.filter((waiting) => waiting !== item);
    item.fail(item.context.signal.reason);
  }

  /** Gives what waits to runners with room: whole batches, or a partial one that waited long enough. */
  #handOut(): void {
    const { batch, batchWaitMs } = this.#options;
    while (this.#waiting.length > 0 && !this.#isEnding) {
      const waitMs = this.#waiting.length < batch ? this.#waitsSince + batchWaitMs - performance.now() : 0;
      if (waitMs > 0) return this.#lookAgain(waitMs);
      const host = this.#hosts.find(({ room }) => room > 0);
      if (!host) return;
      host.give(this.#waiting.splice(0, batch));
      this.#waitsSince = performance.now();
    }
  }

  #lookAgain(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#handOut(), ms);
  }
}
