import { type Cluster, isForbidden } from "./client.ts";
import { endProblem, lifeProblem, lossProblem } from "../../kube/podEnds.ts";
import { admissionProblem, hasStarted, podProblem, slowProblem, type StartProblem } from "../../kube/podProblems.ts";
import { lastLine, logTail, podEvents } from "../../kube/podReads.ts";

/** Pods to watch, and the object that creates them. */
export interface Watched {
  /** For messages: `Job job-wq-2`. */
  owner: string;
  ownerUid: string;
  namespace: string;
  /** Selector of the pods. */
  labelSelector: string;
  fieldSelector?: string;
  /** True if their Job is waited for, and not only needed. */
  mustEnd?: boolean;
  /** Name of the setting with their memory. */
  memory?: string;
  /** Another reason why it gets no pods. */
  otherwise?: () => Promise<StartProblem | undefined>;
}

/** A fatal problem must last this long: the kubelet repeats a pull after 10 s, so it has failed twice by then. */
const FATAL_AFTER_MS = 20_000;
/** After this long, a problem that may pass is worth a warning. */
const WARN_AFTER_MS = 60_000;
/** Between two looks at pods that have started. */
const LOOK_AGAIN_MS = 5_000;

/** Watches whether pods start and stay, look by look. */
export class StartWatch {
  readonly #cluster: Cluster;
  readonly #watched: Watched;
  #since?: { line: string; at: number };
  readonly #warned = new Set<string>();
  #started = false;
  /** True if pods may not be listed here. */
  #isBlind = false;
  #lookedAt = -Infinity;

  constructor(cluster: Cluster, watched: Watched) {
    this.#cluster = cluster;
    this.#watched = watched;
  }

  /** The problem at the last look. */
  get problem(): string | undefined {
    return this.#since?.line;
  }

  /**
   * Looks once.
   * @returns A warning that was not given yet.
   * @throws Error with the problem, if only a person can solve it, and it has lasted.
   */
  async look(now = performance.now()): Promise<string | undefined> {
    if (this.#isBlind || (this.#started && now - this.#lookedAt < LOOK_AGAIN_MS)) return undefined;
    this.#lookedAt = now;
    const problem = await this.#problem();
    if (problem?.line !== this.#since?.line) this.#since = problem && { line: problem.line, at: now };
    if (!problem) return undefined;
    const lasts = now - this.#since!.at;
    if (problem.fatal && lasts >= FATAL_AFTER_MS) throw new Error(problem.line);
    const about = problem.about ?? problem.line;
    if (problem.fatal || (!problem.about && lasts < WARN_AFTER_MS) || this.#warned.has(about)) return undefined;
    this.#warned.add(about);
    return problem.line;
  }

  async #problem(): Promise<StartProblem | undefined> {
    const { owner, ownerUid, namespace, labelSelector, fieldSelector, mustEnd = false, memory } = this.#watched;
    const { core } = this.#cluster;
    try {
      const { items: pods } = await core.listNamespacedPod({ namespace, labelSelector, fieldSelector, limit: 50 });
      this.#started ||= pods.some(hasStarted);
      const last = (pod: string) => lastLine(core, namespace, pod);
      const tail = (pod: string) => logTail(core, namespace, pod);
      const loss = lossProblem(pods, memory);
      // A loss that was told must not hide other problems, since pods that failed stay listed.
      const news = loss && !this.#warned.has(loss.about!) ? loss : undefined;
      const problem = (await lifeProblem(pods, last)) ?? (await endProblem(pods, mustEnd, tail)) ?? news;
      if (problem) return problem;
      if (pods.length > 0) {
        const start = podProblem(pods) ?? (await slowProblem(pods, (pod) => podEvents(core, namespace, pod)));
        // Work has begun, and the problem of the next pods may pass, like that after a drain.
        return start && this.#started ? { ...start, fatal: false } : start;
      }
      // A Job that ran once can only be suspended.
      if (this.#started) return await this.#watched.otherwise?.();
      const refusals = `involvedObject.uid=${ownerUid},reason=FailedCreate`;
      const { items: events } = await core.listNamespacedEvent({ namespace, fieldSelector: refusals });
      return admissionProblem(owner, events) ?? (await this.#watched.otherwise?.());
    } catch (error) {
      // Without the right to look there is nothing to watch. Any other failure passes, or ends the wait itself.
      if (isForbidden(error)) this.#isBlind = true;
      return undefined;
    }
  }
}
