import { setTimeout as sleep } from "node:timers/promises";
import type { Counts } from "../../queue/index.ts";
import type { QueueOptions } from "../command.ts";
import { AbsentError, firstLine, UserError } from "../errors.ts";
import { openQueue, type OpenQueue } from "../stack/openQueue.ts";

const RETRY_MS = 1_000;
/** After this many failed attempts the way to Redis is made anew: a Pod on it may be gone. */
const ATTEMPTS = 5;

/** A queue that is asked again and again: a Redis that goes away is waited for. */
export class LastingQueue {
  readonly #open: () => Promise<OpenQueue>;
  readonly #onChange: (away: string | undefined) => void;
  #queue: OpenQueue;
  #away: string | undefined;
  #isClosed = false;
  #wasThere = false;
  #isTold = false;

  private constructor(queue: OpenQueue, open: () => Promise<OpenQueue>, onChange: (away: string | undefined) => void) {
    this.#queue = queue;
    this.#open = open;
    this.#onChange = onChange;
  }

  /**
   * Opens it.
   * @param onChange Told why Redis is away, and with nothing when it is back.
   * @throws UserError if it cannot be opened now.
   */
  static async open(
    options: QueueOptions,
    onChange: (away: string | undefined) => void,
    open = () => openQueue(options),
  ): Promise<LastingQueue> {
    return new LastingQueue(await open(), open, onChange);
  }

  get current(): OpenQueue {
    return this.#queue;
  }

  /** Asks until there is an answer, or this is closed. */
  async ask<T>(question: (queue: OpenQueue) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await question(this.#queue);
        this.#tell(undefined);
        return answer;
      } catch (error) {
        if (this.#isClosed) throw error;
        this.#tell(firstLine(this.#queue.admin.reasonOf(error)));
        await sleep(RETRY_MS);
        if (attempt % ATTEMPTS === 0) await this.#reopen();
      }
    }
  }

  /** The counts. A queue with nothing in it yet is waited for, which is said once. @throws UserError as `isThere`. */
  async counts(): Promise<Counts> {
    const counts = await this.ask(({ admin }) => admin.counts());
    if (!this.isThere(counts) && !this.#isTold) {
      this.#isTold = true;
      console.error(`nothing is in the queue ${this.#queue.title} yet; waiting`);
    }
    return counts;
  }

  /** False while nobody has seeded it or taken from it. @throws UserError if it was there and is gone. */
  isThere({ total, owner }: Counts): boolean {
    if (total > 0 || owner !== "") return (this.#wasThere = true);
    if (this.#wasThere) throw new UserError(`the queue ${this.#queue.title} is gone: it was purged, or Redis lost it`);
    return false;
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.close();
  }

  async #reopen(): Promise<void> {
    try {
      const queue = await this.#open();
      this.#queue.close();
      this.#queue = queue;
      if (this.#isClosed) queue.close();
    } catch (error) {
      if (error instanceof AbsentError) throw error; // its stack, or its run, was removed
      this.#tell(firstLine(error));
    }
  }

  #tell(away: string | undefined): void {
    if ((away === undefined) === (this.#away === undefined)) return;
    this.#away = away;
    this.#onChange(away);
  }
}

/** Says on standard error that Redis is away, and that it is back. */
export function sayAway(away: string | undefined): void {
  console.error(away === undefined ? "Redis is back" : `Redis is away: ${away}; waiting`);
}
