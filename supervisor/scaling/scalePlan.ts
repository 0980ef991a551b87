import type { Counts } from "../../queue/index.ts";

/** Bounds of the number of pods, and when it may shrink. */
export interface ScaleOptions {
  min: number;
  max: number;
  /** Items a pod works on at a time. */
  concurrency: number;
  /** Pods go when they were not needed for this long, ms. */
  idleAfterMs: number;
}

type Load = Pick<Counts, "waiting" | "running" | "dueSoon" | "suspects" | "now">;

/** Decides the number of pods: it grows with the load at once, and shrinks when pods were not needed for a while. */
export class ScalePlan {
  readonly #options: ScaleOptions;
  /** Number of pods that were needed, look by look, the newest last. */
  #needs: { at: number; pods: number }[] = [];

  constructor(options: ScaleOptions) {
    this.#options = options;
  }

  /** @returns How many pods there should be. */
  next(load: Load): number {
    const { min, max, concurrency, idleAfterMs } = this.#options;
    // A suspect takes a whole pod.
    const slots = load.waiting + load.running + load.dueSoon + load.suspects * (concurrency - 1);
    const pods = Math.max(min, Math.min(max, Math.ceil(slots / concurrency)));
    this.#needs.push({ at: load.now, pods });
    this.#needs = this.#needs.filter(
      ({ at }, index, all) => index === all.length - 1 || Math.abs(load.now - at) < idleAfterMs,
    );
    return Math.max(...this.#needs.map(({ pods }) => pods));
  }
}
