import type { LogLine } from "../../queue/index.ts";
import type { OpenQueue } from "../stack/openQueue.ts";

/** A subscription that moves to another connection with the queue. */
export class LogSubscription {
  readonly #onLine: (line: LogLine) => void;
  #queue?: OpenQueue;
  #stop = () => {};

  constructor(onLine: (line: LogLine) => void) {
    this.#onLine = onLine;
  }

  /** @param admin That of another batch in the same Redis. Default: the queue's. */
  async renew(queue: OpenQueue, { admin }: Pick<OpenQueue, "admin"> = queue): Promise<void> {
    if (queue === this.#queue) return;
    this.#stop();
    this.#stop = await admin.followLog(this.#onLine);
    this.#queue = queue;
  }

  end(): void {
    this.#stop();
  }
}
