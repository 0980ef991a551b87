// The supervisor's part of a batch: who it is, who was notified of what, the output of `finish`, and how much of
// the workers' time was idle.
import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import { keys } from "../redis/keys.ts";
import { Script } from "../redis/script.ts";
import { waitAof } from "../redis/waitAof.ts";
import { countBusy } from "./workers.ts";

/** A supervisor that runs `finish` and says nothing counts for this long, ms. */
const FINISH_MS = 10_000;
/** Redis may be away this long after the end of `finish`, ms. If it is away longer, `finish` runs again. */
const KEEP_MS = 60_000;

const noteScript = new Script("supervision/note");
const addScript = new Script("supervision/add");
const finishScript = new Script("supervision/finish-once");

const [SUPERVISOR, NOTIFIED, FINISH] = ["supervisor", "notified", "finish"];
const [ALIVE_MS, IDLE_MS] = ["workersAliveMs", "workersIdleMs"];

/** The supervision of one batch. */
export class Supervision {
  readonly #redis: Redis;
  readonly #batch: string;
  readonly #queue: string;

  constructor(redis: Redis, queue: string) {
    this.#redis = redis;
    this.#queue = queue;
    this.#batch = keys(queue).batch;
  }

  /** Takes over: whoever supervised it before stops. */
  async takeOver(id: string): Promise<void> {
    await this.#note(SUPERVISOR, id);
  }

  /** True unless another one has taken over. A batch that began anew has forgotten its supervisor. */
  async holds(id: string): Promise<boolean> {
    const holder = await this.#redis.hget(this.#batch, SUPERVISOR);
    if (holder === null) await this.takeOver(id);
    return holder === null || holder === id;
  }

  /** Time of a good end, ms by Redis. Items that were pushed since change nothing, until a worker takes one. */
  async finishedAt(): Promise<number | undefined> {
    const [state, endedAt] = await this.#redis.hmget(this.#batch, "state", "endedAt");
    return state === "finished" ? Number(endedAt) : undefined;
  }

  /** Waits until all that was written so far is on disk. @returns False if Redis's disk took too long. */
  async persist(id: string): Promise<boolean> {
    await this.takeOver(id);
    return waitAof(this.#redis);
  }

  async wasNotified(event: string): Promise<boolean> {
    return (await this.#redis.hget(this.#batch, NOTIFIED)) === event;
  }

  async setNotified(event: string): Promise<void> {
    await this.#note(NOTIFIED, event);
  }

  async finishOutput(): Promise<string | undefined> {
    return (await this.#redis.hget(this.#batch, FINISH)) ?? undefined;
  }

  /**
   * Runs a program once for each end of the batch. It runs again only if the supervisor that ran it is gone.
   * @param endedAt When the batch ended.
   * @param program Digest of the program. With another digest it runs, even after an earlier one ended well.
   * @param id The supervisor that asks. If another one runs the program, this waits for the output.
   * @returns The output.
   */
  async finishOnce(endedAt: number, program: string, id: string, run: () => Promise<string>): Promise<string> {
    const ask = async (...output: string[]) =>
      (await finishScript.run(this.#redis, this.#queue, endedAt, program, id, FINISH_MS, ...output)) as [
        string,
        string?,
      ];
    for (; ; await sleep(FINISH_MS / 10)) {
      const [whose, output = ""] = await ask();
      if (whose === "over") return output;
      if (whose === "yours") break;
    }
    const renewal = setInterval(() => void ask().catch(() => {}), FINISH_MS / 4);
    try {
      const output = await run();
      for (const end = performance.now() + KEEP_MS; ; await sleep(FINISH_MS / 10)) {
        try {
          await ask(output);
          return output;
        } catch (error) {
          if (performance.now() > end) throw error;
        }
      }
    } finally {
      clearInterval(renewal);
    }
  }

  async #note(...fields: string[]): Promise<void> {
    await noteScript.run(this.#redis, this.#queue, ...fields);
  }

  /** Number of workers that have something in flight. */
  busyWorkers(): Promise<number> {
    return countBusy(this.#redis, this.#queue);
  }

  /** Adds to the time of all workers, and to the part of it with nothing in flight, ms. */
  async addWorkerTime({ aliveMs, idleMs }: { aliveMs: number; idleMs: number }): Promise<void> {
    const more = [ALIVE_MS, Math.round(aliveMs), IDLE_MS, Math.round(idleMs)];
    await addScript.run(this.#redis, this.#queue, ...more);
  }

  /** The share of the workers' time in which they had nothing in flight, 0 to 1; undefined if none was measured. */
  async idleShare(): Promise<number | undefined> {
    const [alive, idle] = await this.#redis.hmget(this.#batch, ALIVE_MS, IDLE_MS);
    return alive ? Number(idle) / Number(alive) : undefined;
  }
}
