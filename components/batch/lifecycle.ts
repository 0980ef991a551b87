// The part of `up` beside creating resources: it looks at what an earlier `up` left, and waits.
import * as pulumi from "@pulumi/pulumi";
import type { V1Job } from "@kubernetes/client-node";
import type * as k8s from "@pulumi/kubernetes";
import { AWAITED, type Cluster, connectCluster, known } from "../cluster/client.ts";
import { deleteJob, insteadOf, isCutOff, type LiveJobs, liveJobs } from "../cluster/liveJobs.ts";
import { jobEnd } from "../../kube/jobEnd.ts";
import { type AwaitedJob, waitForJob } from "../cluster/waitForJob.ts";
import type { Owner } from "../cluster/owner.ts";
import { fail, hasEngine, isPreview } from "../engine.ts";
import { digestOf } from "../labels.ts";
import type { PodWatch } from "../types.ts";
import { keptVerdict, type KeptVerdict, type Marks } from "./keptVerdict.ts";
import { printedVerdict } from "./printedVerdict.ts";

/** State that an earlier `up` left. */
export interface Left {
  /** The verdict, if it was given. Then nothing else is looked at, and the marks are those of its `up`. */
  verdict?: KeptVerdict;
  marks: Marks;
  jobs: LiveJobs;
}

/** The Batch whose Jobs it looks at. */
export interface LifecycleArgs {
  name: string;
  namespace: pulumi.Output<string>;
  owner: Owner;
  hasWorkers: boolean;
  hasVerdict: boolean;
  /** Begins to watch its Redis, if this program runs it. */
  watchRedis: () => Promise<PodWatch | undefined>;
}

/** Life of a Batch within one run of the program. In a preview it only looks. */
export class Lifecycle {
  readonly #batch: pulumi.ComponentResource;
  readonly #args: LifecycleArgs;
  /** The cluster of its resources. */
  readonly cluster: Promise<Cluster | undefined>;
  /** The state before this run of the program. */
  readonly left: pulumi.Output<Left>;
  /** Resolves when it has looked. */
  readonly looked: Promise<void>;

  constructor(batch: pulumi.ComponentResource, args: LifecycleArgs) {
    this.#batch = batch;
    this.#args = args;
    this.cluster = connectCluster(batch);
    this.left = args.namespace.apply((namespace) => this.#look(namespace));
    this.looked = known(this.left).then(() => {});
    this.looked.catch(() => {}); // the Jobs, which wait for it, report it
  }

  /** Looks at the Jobs that are there; deletes those that were cut off while they were created. */
  async #look(namespace: string): Promise<Left> {
    const { hasWorkers, hasVerdict } = this.#args;
    const cluster = await this.cluster;
    const jobs = await this.#jobs(cluster, namespace);
    const { seed, workers, supervisor } = jobs;
    if (isPreview() && workers && !jobEnd(workers)) this.#sayWhatRefreshShows();
    const [verdict, isLost] = cluster && hasVerdict ? await this.#verdict(cluster, namespace, supervisor) : [];
    if (verdict) return { verdict, marks: verdict.marks, jobs };
    const afterSeed = hasWorkers ? workers : "none";
    // Another mark than theirs, and the same one in a preview.
    const ask = digestOf([seed, supervisor].map((job) => job?.metadata?.annotations?.[AWAITED] ?? ""));
    const marks = {
      seed: insteadOf(seed, afterSeed),
      workers: insteadOf(workers, supervisor),
      supervisor: isLost ? supervisor!.metadata!.uid! : insteadOf(supervisor, "none"),
      awaited: hasVerdict ? ask : (askedOf(seed) ?? ask),
    };
    if (cluster && !isPreview()) {
      if (workers && isCutOff(workers, supervisor)) await deleteJob(cluster, workers);
      if (seed && isCutOff(seed, afterSeed)) await deleteJob(cluster, seed);
    }
    return { marks, jobs };
  }

  /** The provider reports a running Job as not ready, and Pulumi updates what is not ready. */
  #sayWhatRefreshShows(): void {
    const line = "the batch runs: with `--refresh`, Pulumi shows updates of its Jobs, which change nothing";
    // By then the Batch is registered: a message about an unregistered resource would hold up all later messages.
    this.#batch.urn.apply(() => pulumi.log.info(line, this.#batch));
  }

  /**
   * The kept verdict. If there is none: true if a supervisor has judged and its verdict is lost, so that another one
   * must judge.
   */
  async #verdict(
    cluster: Cluster,
    namespace: string,
    supervisor: V1Job | undefined,
  ): Promise<[verdict?: KeptVerdict | undefined, isLost?: boolean]> {
    const { name, owner } = this.#args;
    try {
      const verdict = await keptVerdict(cluster, { namespace, name, owner, supervisor });
      if (verdict || !supervisor || jobEnd(supervisor) !== "Complete") return [verdict];
      const job = { name: supervisor.metadata!.name!, uid: supervisor.metadata!.uid!, namespace };
      return [undefined, (await printedVerdict(cluster, job, this.warn)).verdict === undefined];
    } catch (error) {
      return fail(error as Error, this.#batch);
    }
  }

  /** Prints a warning about the Batch. */
  readonly warn = (line: string): void => void pulumi.log.warn(line, this.#batch);

  async #jobs(cluster: Cluster | undefined, namespace: string): Promise<LiveJobs> {
    const { name, owner } = this.#args;
    if (!cluster) return {};
    try {
      return await liveJobs(cluster, { namespace, name, owner });
    } catch (error) {
      return fail(error as Error, this.#batch);
    }
  }

  /**
   * Waits for a Job to complete, unless the engine passes over it.
   * @param needs Other Jobs whose pods must start, or this one never ends.
   * @param onWait Called if there is something to wait for.
   * @returns The Job, if it was waited for.
   * @throws ResourceError with the reason if it fails.
   */
  async complete(
    job: k8s.batch.v1.Job,
    needs: k8s.batch.v1.Job[] = [],
    onWait?: () => void,
  ): Promise<AwaitedJob | undefined> {
    if (isPreview()) return undefined;
    const [left, awaited, ...others] = await Promise.all([known(this.left), ...[job, ...needs].map(nameOf)]);
    if (!awaited || !left || awaited.asked !== left.marks.awaited) return undefined;
    if (left.verdict?.uids.includes(awaited.uid)) return undefined;
    const cluster = await this.cluster;
    try {
      if (!cluster) throw new Error("the kubeconfig that Pulumi uses cannot be read here, so `up` cannot wait");
      await waitForJob(cluster, awaited, {
        needs: others.filter((other) => other !== undefined),
        redis: await this.#args.watchRedis(),
        isWanted: hasEngine,
        onWait,
        onProgress: (line) => void pulumi.log.info(line, this.#batch, undefined, true),
        onWarning: this.warn,
      });
      return awaited;
    } catch (error) {
      return fail(error as Error, this.#batch);
    }
  }
}

/** The annotation of a Job that nobody needs to wait for any more. */
function askedOf(seed: V1Job | undefined): string | undefined {
  return seed && jobEnd(seed) === "Complete" ? (seed.metadata?.annotations?.[AWAITED] ?? "") : undefined;
}

/** A Job as it was registered; undefined if the engine passes over its creation. */
function nameOf({ metadata }: k8s.batch.v1.Job): Promise<(AwaitedJob & { asked: string | undefined }) | undefined> {
  return known(metadata).then((given: k8s.types.output.meta.v1.ObjectMeta | undefined) =>
    given?.uid === undefined
      ? undefined
      : { name: given.name, namespace: given.namespace, uid: given.uid, asked: given.annotations?.[AWAITED] },
  );
}
