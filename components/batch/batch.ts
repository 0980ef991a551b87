import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../config/parse.ts";
import { POD } from "../cluster/client.ts";
import { unlisted } from "../engine.ts";
import { OwnChecks } from "../programChecks.ts";
import type { BatchCounts, K8sObject } from "../types.ts";
import { watchCommands } from "./watchCommands.ts";
import type { Redis } from "../redis/redis.ts";
import { checkInCluster, type PlanArgs, planOf } from "./plan.ts";
import { makeJobDefaults } from "./jobDefaults.ts";
import { makeJobs } from "./makeJobs.ts";
import type { Verdict } from "./verdict.ts";

/** Arguments of {@link Batch}. */
export interface BatchArgs extends PlanArgs {
  /** Batches that must have succeeded before this one is seeded; when one of them runs again, so does this one. */
  after?: Batch[];
}

/** A finite list of items, processed in parallel by a Kubernetes Job: seeded, worked off, and supervised to its end. */
export class Batch extends pulumi.ComponentResource {
  /** Name of the worker Job; undefined without workers. */
  readonly workerJob: string | undefined;
  /** Name of the supervisor Job; undefined without workers. */
  readonly supervisorJob: pulumi.Output<string> | undefined;
  /** Shell commands to watch the batch with, by what they show. */
  readonly commands: pulumi.Output<Record<string, string>>;
  /** Standard output of `finish`; undefined without one. */
  readonly finish: pulumi.Output<string> | undefined;
  /** The last of its Jobs. */
  readonly last: K8sObject;
  /**
   * Resolves when all that `up` waits for has ended well; in a preview at once. Rejects with the line that `up` fails
   * with.
   */
  readonly done: Promise<void>;
  /** True if `up` waits for its end. @internal */
  readonly isAwaited: boolean;
  readonly #verdict: Verdict | undefined;

  /**
   * @param name Name of the component; its children are named after it.
   * @param args The items, and how they are worked on.
   * @param opts Options of the component. Its Kubernetes provider is by default that of its Redis.
   * @throws ConfigError of one line for an argument that cannot be used.
   */
  constructor(name: string, args: BatchArgs, opts?: pulumi.ComponentResourceOptions) {
    const plan = planOf(name, args, (value) => value instanceof Batch);
    const checks = new OwnChecks();
    super("job-wq-2:index:Batch", name, {}, checks.options(onCluster(args.redis, opts)));
    checkInCluster(this, plan, checks, opts);
    const shared = makeJobDefaults(this, plan);
    const { workers, supervisor, verdict, last, done } = makeJobs(shared, plan, () => this.#sayHowToWatch());
    this.last = last;
    this.done = done;
    this.isAwaited = verdict !== undefined;
    this.workerJob = workers && shared.names.workers;
    this.supervisorJob = supervisor?.metadata.name;
    this.#verdict = verdict;
    this.finish = plan.settings.finish && verdict?.finish;
    const { namespace, queue } = shared;
    const { redis } = args;
    this.commands = pulumi
      .all([namespace, redis.sharedAs])
      .apply(([namespace, sharedRedis]) =>
        watchCommands({ namespace, queue, workerJob: this.workerJob, redisPod: redis.podName, sharedRedis }),
      );
    unlisted(this, "last", "done", "isAwaited");
    // `wq` reads them from the state early in an `up`, so none may wait for a Job.
    this.registerOutputs({ name, namespace, queue, workerJob: this.workerJob, redis: redis.location });
  }

  /** Its items, done and failed. @throws ConfigError if `up` does not wait. The next two do the same. */
  get counts(): pulumi.Output<BatchCounts> {
    return this.#outcome.counts;
  }

  /** The first items that failed, with `allowFailures`: without it a batch with failed items has no outcome. */
  get failed(): pulumi.Output<string[]> {
    return this.#outcome.failed;
  }

  /** Time from the first item to the last. */
  get seconds(): pulumi.Output<number> {
    return this.#outcome.seconds;
  }

  get #outcome(): Verdict {
    if (!this.#verdict) throw new ConfigError("Only a Batch with `workers` and `wait` has an outcome.");
    return this.#verdict;
  }

  #sayHowToWatch(): void {
    const first = "Ctrl-C ends `up` and not the batch: the next `up` waits on. Watch the workers with:";
    this.commands.apply((commands) => {
      // One message per line: while `up` runs, Pulumi shows only the first line of a message.
      for (const line of [first, ...Object.values(commands)]) void pulumi.log.info(line, this);
    });
  }
}

/** Options with the Kubernetes provider of a Redis, if they and the parent have none. */
function onCluster(redis: Redis, opts: pulumi.ComponentResourceOptions = {}): pulumi.ComponentResourceOptions {
  const own = Object.values<pulumi.ProviderResource>(opts.providers ?? {});
  const provider = redis.getProvider(POD);
  const isChosen = [...own, opts.provider].some((one) => k8s.Provider.isInstance(one));
  if (!provider || isChosen || opts.parent?.getProvider(POD)) return opts;
  return { ...opts, providers: [...own, provider] };
}
