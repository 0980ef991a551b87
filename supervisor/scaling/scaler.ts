import type { Counts } from "../../queue/index.ts";
import { callApi } from "./inCluster.ts";
import { ScalePlan, type ScaleOptions } from "./scalePlan.ts";

/** Interval of looks at the Job, which somebody else may have changed, ms. */
const LOOK_MS = 5_000;

interface Job {
  spec: { parallelism: number; suspend?: boolean };
}

/** Keeps the worker Job at the size that the load needs. Errors are reported once, and the next look tries again. */
export class Scaler {
  readonly #path: string;
  readonly #options: ScaleOptions;
  #plan: ScalePlan;
  /** Parallelism that this scaler set last; any other comes from somebody else, like `wq scale`. */
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
      // Somebody else's number, like that of `wq scale`, is the most from now on.
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
