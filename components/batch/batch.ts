import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../config/parse.ts";
import { batchSettings, placeSettings, programSettings } from "../../config/settings.ts";
import type { BatchSettings } from "../args.ts";
import { afterChecks, awaitCheck, checked } from "../checks.ts";
import { uidOf } from "../cluster/client.ts";
import { defaultOwner, Ownership } from "../cluster/ownership.ts";
import { makeCodeVolume } from "../image/codeVolume.ts";
import { makePullSecret } from "../image/pullSecret.ts";
import { WorkerImage } from "../image/workerImage.ts";
import { labels, type Labels } from "../labels.ts";
import { later, nameOf, readArgs } from "../readArgs.ts";
import { Redis } from "../redis/redis.ts";
import type { K8sObject, Known } from "../types.ts";
import { checkRunners } from "../image/checkRunners.ts";
import { checkPodLevel, type Target } from "./pod/checkPodLevel.ts";
import { dryRunJob } from "./dryRunJob.ts";
import { watchCommands } from "./hints.ts";
import { type BatchItems, itemsOf } from "./items.ts";
import { previewItems } from "./itemsPreview.ts";
import type { JobDefaults } from "./jobArgs.ts";
import { Lifecycle } from "./lifecycle.ts";
import { makePodPolicy } from "./pod/podPolicy.ts";
import { checkPodPatch } from "./pod/podSettings.ts";
import { makeSecretEnv } from "./pod/secretEnv.ts";
import { makeSeedJob } from "./seedJob.ts";
import { makeSupervisorJob } from "./supervisorJob.ts";
import { type BatchCounts, makeVerdict } from "./verdict.ts";
import { howItemsRun, makeWorkerJob, workerPod } from "./workerJob.ts";

/** Arguments of {@link Batch}. */
export interface BatchArgs extends BatchSettings {
  /** The Redis that holds the queue. Batches that share one need queues of their own. */
  redis: Redis;
  /** The image of the workers. */
  image: WorkerImage;
  /** Name of the worker Job; what belongs to it adds a suffix. @default the component's name */
  name?: string;
  /** Namespace of its Jobs. @default that of `redis` */
  namespace?: pulumi.Input<string>;
  /**
   * Name of the list in Redis: at most 100 letters, digits, dots, colons, dashes and underscores.
   * @default the component's name
   */
  queue?: string;
  /** Labels on everything. */
  labels?: Labels;
  /** The stack that all of it and the queue are of; one that was renamed gives its old one. @default `project/stack` */
  owner?: string;
  /** Batches that must have succeeded before this one is seeded; when one of them runs again, so does this one. */
  after?: Batch[];
}

const OTHERS = ["redis", "image", "after"];
const OWN = { name: { ...programSettings.name, default: undefined }, queue: programSettings.queue };

/** A finite list of items, processed in parallel by a Kubernetes Job: seeded, worked off, and supervised to its end. */
export class Batch extends pulumi.ComponentResource {
  /** Name of the worker Job; undefined without workers. */
  readonly workerJob: string | undefined;
  /** Name of the supervisor Job; undefined without workers. */
  readonly supervisorJob: pulumi.Output<string> | undefined;
  /** Shell commands to watch the batch with, by what they show. */
  readonly commands: pulumi.Output<Record<string, string>>;
  /** How many items it had, and what became of them; undefined where `up` does not wait, as the next ones. */
  readonly counts: pulumi.Output<BatchCounts> | undefined;
  /** The first items that failed, with `allowFailures`: without it a batch with failed items has no outcome. */
  readonly failed: pulumi.Output<string[]> | undefined;
  /** How long it took, from the first item to the last. */
  readonly seconds: pulumi.Output<number> | undefined;
  /** What `finish` wrote to its standard output; undefined without one. */
  readonly finish: pulumi.Output<string> | undefined;
  /** The last of its Jobs. */
  readonly last: K8sObject;
  /**
   * Resolves when all that `up` waits for has ended well; in a preview at once. Rejects with the line that `up` fails
   * with.
   */
  readonly done: Promise<void>;

  /**
   * @param name Name of the component; its children are named after it.
   * @param args The items, and how they are worked on.
   * @param opts Options of the component.
   * @throws ConfigError of one line for an argument that cannot be used.
   */
  constructor(name: string, args: BatchArgs, opts?: pulumi.ComponentResourceOptions) {
    const component = `Batch ${name}`;
    const settings = readArgs(component, { ...batchSettings, ...placeSettings, ...OWN }, args, OTHERS);
    const { redis, image, after = [] } = args;
    const jobName = nameOf(component, "name", settings.name, name, OWN.name.parse);
    const queue = nameOf(component, "queue", settings.queue, name, OWN.queue.parse);
    const items = checked(component, () => {
      const items = checkBatch(args);
      redis.claim(name, { queue, jobName, namespace: args.namespace });
      return items;
    });
    const owner = settings.owner ?? defaultOwner();
    const ownership = new Ownership(owner);
    super("job-wq-2:index:Batch", name, {}, ownership.options(afterChecks(opts)));
    // The namespace of its Redis is that one's to look for.
    const mayComeLater = args.namespace === undefined || opts?.dependsOn !== undefined;
    awaitCheck(ownership.check(this, { component, namespace: args.namespace ?? redis.place, mayComeLater }));
    const target = targetOf(args);
    awaitCheck(dryRunJob(this, name, redis.createsNamespace ? "default" : (args.namespace ?? redis.place), args));
    awaitCheck(checkPodLevel(this, name, target, args));
    const namespace = args.namespace === undefined ? redis.namespace : pulumi.output(args.namespace);
    const defaults: JobDefaults = {
      parent: this,
      name: jobName,
      namespace,
      queue,
      owner,
      image: image.image,
      pullSecrets: image.pullSecret === undefined ? [] : [image.pullSecret],
      redis: redis.access(
        args.namespace === undefined
          ? undefined
          : {
              resource: `${name}-redis`,
              name: jobName,
              namespace,
              labels: labels(jobName, "worker", args.labels),
              parent: this,
            },
      ),
      runAsUser: settings.runAsUser,
      ready: [redis],
      labels: args.labels,
      jobLabels: settings.kueueQueue ? { "kueue.x-k8s.io/queue-name": settings.kueueQueue } : {},
      nodeSelector: architecture(image, settings.nodeSelector),
      tolerations: settings.tolerations,
      auxPod: settings.auxPod,
      code: undefined,
    };
    if (image.image.code)
      defaults.code = makeCodeVolume(
        `${name}-code`,
        image.image.code,
        image.image.reference,
        { name: jobName, namespace, labels: labels(jobName, "worker", args.labels) },
        { parent: this },
      );
    if (image.login && image.pullSecret === undefined) {
      const metadata = { name: `${jobName}-registry`, namespace, labels: labels(jobName, "worker", args.labels) };
      const secret = makePullSecret(`${name}-registry`, metadata, image.login, { parent: this });
      defaults.pullSecrets.push(metadata.name);
      defaults.ready.push(secret);
    }

    defaults.ready.push(makePodPolicy(`${name}-policy`, defaults, settings));
    const lifecycle = new Lifecycle(this, {
      name: jobName,
      namespace,
      owner: defaults.owner,
      hasWorkers: settings.workers,
      hasVerdict: settings.workers && settings.wait,
    });
    const { marks } = lifecycle.left;
    const { run, retry } = settings;
    const before: K8sObject[] = [redis.storage, ...after.map(({ last }) => last)];
    const ready = Promise.all([lifecycle.looked, redis.ready, ...after.map(({ done }) => done)]).then(() => {});
    const secretEnv =
      settings.workers && settings.secretEnv ? makeSecretEnv(`${name}-env`, defaults, settings.secretEnv) : undefined;
    const envFrom = secretEnv && [{ secretRef: { name: secretEnv.metadata.name } }];
    const work = { args, settings, handler: image.handler, envFrom };
    // A setting that a person mended runs what failed, also in a list that was filled by hand.
    const again = [retry, howItemsRun(defaults, work), secretEnv ? uidOf(secretEnv) : ""];
    const seed =
      items || settings.workers
        ? makeSeedJob(`${name}-seed`, defaults, {
            items,
            build: image.build,
            settings,
            again,
            follows: before,
            gate: ready,
            insteadOf: marks.seed,
            awaited: marks.awaited,
          })
        : undefined;
    if (seed && items) previewItems(this, { seed, items, run, queue, owner: defaults.owner, redis, ...lifecycle });
    const seeded = seed ? lifecycle.complete(seed).then(() => {}) : ready;
    seeded.catch(() => {}); // the Jobs, which wait for it, report it
    this.done = seeded;
    this.last = seed ?? redis.storage;
    if (settings.workers) {
      const follows = seed ? [...before, seed] : before;
      const workers = makeWorkerJob(`${name}-workers`, defaults, {
        settings,
        pod: workerPod(defaults, work),
        follows,
        gate: seeded,
        insteadOf: marks.workers,
      });
      const supervisor = makeSupervisorJob(`${name}-supervisor`, defaults, {
        settings,
        workers,
        workerJob: jobName,
        envFrom,
        insteadOf: marks.supervisor,
        awaited: settings.wait ? marks.awaited : undefined,
        gate: seeded,
        follows: [...follows, workers],
      });
      this.last = supervisor;
      this.workerJob = jobName;
      this.supervisorJob = supervisor.metadata.name;
      if (settings.wait) {
        const verdict = makeVerdict(`${name}-verdict`, defaults, {
          supervisor,
          workers,
          follows: seed ? [seed, workers, supervisor] : [workers, supervisor],
          lifecycle,
          onWait: () => this.#sayHowToWatch(),
        });
        this.done = verdict.given;
        this.counts = verdict.counts;
        this.failed = verdict.failed;
        this.seconds = verdict.seconds;
        if (settings.finish) this.finish = verdict.finish;
      }
    }
    this.commands = pulumi
      .all([namespace, redis.sharedAs])
      .apply(([namespace, sharedRedis]) =>
        watchCommands({ namespace, queue, workerJob: this.workerJob, redisPod: redis.podName, sharedRedis }),
      );
    // `wq` reads them from the state early in an `up`, so none may wait for a Job.
    this.registerOutputs({ name, namespace, queue, workerJob: this.workerJob, redis: redis.location });
  }

  #sayHowToWatch(): void {
    const first = "Ctrl-C ends `up` and not the batch: the next `up` waits on. Watch the workers with:";
    this.commands.apply((commands) => {
      // One message a line: while `up` runs, Pulumi shows only the first line of a message.
      for (const line of [first, ...Object.values(commands)]) void pulumi.log.info(line, this);
    });
  }
}

function targetOf({ namespace, redis }: BatchArgs): Target {
  if (namespace === undefined) return { existing: redis.existingNamespace, isCreated: redis.createsNamespace };
  return { existing: typeof namespace === "string" ? namespace : undefined, isCreated: false };
}

const ARCHITECTURE = "kubernetes.io/arch";
/** For clusters with nodes of Windows, too. */
const LINUX = { "kubernetes.io/os": "linux" };

/** Node selector for the system and the processor that the image was built for; the user's own selector wins. */
function architecture({ build }: WorkerImage, own: Known<Labels> = {}): Known<Labels> {
  return later(own, (own): Labels => {
    if (own[ARCHITECTURE] !== undefined) return { ...LINUX, [ARCHITECTURE]: own[ARCHITECTURE] };
    return build ? { ...LINUX, [ARCHITECTURE]: later(build.platform, (platform) => platform.split("/")[1]!) } : LINUX;
  });
}

/**
 * Checks arguments that depend on each other.
 * @returns The items.
 * @throws ConfigError
 */
export function checkBatch(args: BatchArgs): BatchItems | undefined {
  const { redis, image, after, command, workers } = args;
  const given = { redis, image, after };
  for (const [key, isThat, what] of [
    ["redis", redis instanceof Redis, "a Redis"],
    ["image", image instanceof WorkerImage, "a WorkerImage"],
    [
      "after",
      after === undefined || (Array.isArray(after) && after.every((b) => b instanceof Batch)),
      "a list of Batches",
    ],
  ] as const)
    if (!isThat)
      throw new ConfigError(
        `Expected \`${key}\` to be ${what}, got ${given[key] === undefined ? "nothing" : "something else"}.`,
      );
  const items = itemsOf(args);
  for (const key of ["pod", "auxPod"] as const)
    later(args[key] as Known<unknown>, (patch) => checkPodPatch(key, patch));
  if (items?.kind === "file" && !items.inline && !image.build)
    throw new ConfigError(
      `Expected \`items\` of at most 512 KiB, compressed, ${image.isReadyMade ? "with `image`" : "without an image"}: more needs \`imageName\`, and Docker, to travel in an image.`,
    );
  if (command === undefined && String(workers) !== "false" && !image.isReadyMade && image.handler === undefined)
    throw new ConfigError("Expected `command`, or an image with a `handler`, got neither.");
  checkRunners(args);
  return items;
}
