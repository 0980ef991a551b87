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
  /** Parallelism that was last seen or set, and last asked for. Any other is set by others, like `wq scale`. */
  #there?: number;
  #asked?: number;
  /** Pods that the load needed at the last look. */
  #needed?: number;
  #lookedAt = -Infinity;
  #trouble = "";

  readonly #call: typeof callApi;

  constructor(namespace: string, job: string, options: ScaleOptions, call = callApi) {
    this.#call = call;
    this.#path = `/apis/batch/v1/namespaces/${namespace}/jobs/${job}`;
    this.#options = options;
    this.#plan = new ScalePlan(options);
  }

  /**
   * Looks, and changes the Job if it is too small or too large.
   * @param busyPods Number of pods that have something in flight, asked before the Job gets smaller: Kubernetes would
   *   end these, too.
   * @returns A line to say.
   */
  async follow(counts: Counts, busyPods: () => Promise<number>): Promise<string | undefined> {
    const pods = this.#plan.next(counts);
    if (pods === this.#needed && Math.abs(counts.now - this.#lookedAt) < LOOK_MS) return undefined;
    try {
      const line = await this.#apply(pods, busyPods);
      this.#needed = pods;
      this.#lookedAt = counts.now;
      this.#trouble = "";
      return line;
    } catch (error) {
      this.#lookedAt = -Infinity;
      const { message } = error as Error;
      if (message === this.#trouble) return undefined;
      return `The workers cannot be scaled: ${(this.#trouble = message)}`;
    }
  }

  async #apply(needed: number, busyPods: () => Promise<number>): Promise<string | undefined> {
    const { spec } = (await this.#call(this.#path)) as Job;
    const there = spec.parallelism;
    // A change whose answer was lost may have been made, or not.
    const isOurs = this.#there === undefined || there === this.#there || there === this.#asked;
    this.#there = there;
    if (!isOurs) {
      // A number that others set, like `wq scale`, is the maximum from now on.
      this.#options.max = there;
      this.#options.min = Math.min(this.#options.min, there);
      this.#plan = new ScalePlan(this.#options);
      this.#asked = there;
      return `${there} pods at most from now on, set from outside, for instance by \`wq scale\``;
    }
    const pods = needed < there ? Math.min(there, Math.max(needed, await busyPods())) : needed;
    this.#asked = pods;
    if (there === pods || spec.suspend) return undefined;
    await this.#call(this.#path, { spec: { parallelism: pods } });
    this.#there = pods;
    return `From ${there} to ${pods} pods`;
  }
}
