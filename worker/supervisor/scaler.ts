import type { Counts } from "../../queue/index.ts";
import { callApi } from "./inCluster.ts";
import { ScalePlan, type ScaleOptions } from "./scalePlan.ts";

/** Between two looks at the Job, ms: another hand may have changed it. */
const LOOK_MS = 5_000;

interface Job {
  spec: { parallelism: number; suspend?: boolean };
}

/** Keeps the worker Job as large as the load needs. Whatever goes wrong is said, and tried again. */
export class Scaler {
  readonly #path: string;
  readonly #options: ScaleOptions;
  #plan: ScalePlan;
  /** What the Job was set to last; another number in it is somebody's wish. */
  #set?: number;
  #lookedAt = -Infinity;
  #trouble = "";

  constructor(namespace: string, job: string, options: ScaleOptions) {
    this.#path = `/apis/batch/v1/namespaces/${namespace}/jobs/${job}`;
    this.#options = options;
    this.#plan = new ScalePlan(options);
  }

  /** Looks, and changes the Job where it is too small or too large. @returns A line to say. */
  async follow(counts: Counts): Promise<string | undefined> {
    const pods = this.#plan.next(counts);
    if (pods === this.#set && counts.now - this.#lookedAt < LOOK_MS) return undefined;
    try {
      return await this.#apply(pods, counts.now);
    } catch (error) {
      const { message } = error as Error;
      if (message === this.#trouble) return undefined;
      return `The workers cannot be scaled: ${(this.#trouble = message)}`;
    }
  }

  async #apply(pods: number, now: number): Promise<string | undefined> {
    const { spec } = (await callApi(this.#path)) as Job;
    this.#lookedAt = now;
    this.#trouble = "";
    const there = spec.parallelism;
    if (this.#set !== undefined && there !== this.#set) {
      // `wq scale`: from now on that is the most.
      this.#options.max = there;
      this.#options.min = Math.min(this.#options.min, there);
      this.#plan = new ScalePlan(this.#options);
      this.#set = there;
      return `${there} pods at most from now on, as somebody wants it`;
    }
    this.#set = pods;
    if (there === pods || spec.suspend) return undefined;
    await callApi(this.#path, { spec: { parallelism: pods } });
    return `From ${there} to ${pods} pods`;
  }
}
