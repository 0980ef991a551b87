import type { ConsumerEnd } from "../types.ts";

/** The end of a run: its reason, and a promise that resolves with it. */
export class Ending {
  /** `leaving`: nothing more is reserved; `stopped`: nothing more is in flight. */
  #state: "running" | "leaving" | "stopped" = "running";
  #reason?: ConsumerEnd;
  /** The error that broke this process. */
  #failure?: Error;
  #completion?: PromiseWithResolvers<ConsumerEnd>;

  get isRunning(): boolean {
    return this.#state === "running";
  }

  get isStopped(): boolean {
    return this.#state === "stopped";
  }

  /** Waits for the end. @throws Error that broke this process. */
  wait(): Promise<ConsumerEnd> {
    this.#completion = Promise.withResolvers();
    return this.#completion.promise;
  }

  /** There is more to do after all. */
  undo(): void {
    this.#state = "running";
    this.#reason = undefined;
  }

  /** Nothing more is to be reserved. The first reason counts. */
  leave(reason: ConsumerEnd): void {
    if (this.#state !== "running") return;
    this.#state = "leaving";
    this.#reason = reason;
  }

  /** This process is broken. @returns False if it was broken before. */
  break(error: Error): boolean {
    if (this.#failure) return false;
    this.#failure = error;
    this.leave("stopped");
    return true;
  }

  /** Nothing is in flight: one that leaves has ended. */
  onDrained(): void {
    if (!this.#completion || this.#state !== "leaving") return;
    this.end(this.#failure ?? this.#reason!);
  }

  /** Ends at once, whatever is in flight. */
  end(how: ConsumerEnd | Error): void {
    this.#state = "stopped";
    if (how instanceof Error) this.#completion?.reject(how);
    else this.#completion?.resolve(how);
  }
}
