// The first step of a Batch: its arguments, checked, before anything is registered.
import type * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../config/parse.ts";
import { batchSettings, objectSettings, programSettings } from "../../config/settings.ts";
import type { BatchSettings } from "../args.ts";
import { checked, type OwnChecks } from "../programChecks.ts";
import { connectCluster } from "../cluster/client.ts";
import { Owner } from "../cluster/owner.ts";
import { mayBeMadeBefore, Ownership } from "../cluster/ownership.ts";
import { checkSameCluster } from "../cluster/sameCluster.ts";
import { checkRunners } from "./checkRunners.ts";
import { WorkerImage } from "../image/workerImage.ts";
import type { Labels } from "../labels.ts";
import { later, nameOf, readArgs, type Values } from "../readArgs.ts";
import { Redis } from "../redis/redis.ts";
import type { K8sObject } from "../types.ts";
import { type BatchItems, itemsOf, warnOfItems } from "./items.ts";
import { scaleOf } from "./jobs/scaleRights.ts";
import { dryRunPods } from "./pod/dryRunPods.ts";
import { checkClaims, checkPodPatch, warnOfOthers } from "./pod/podSettings.ts";

/** A Batch that another one comes after. */
interface Predecessor {
  last: K8sObject;
  done: Promise<void>;
  /** True if `up` waits for its end. @internal */
  isAwaited: boolean;
}

/** Arguments of a Batch. Of the Batches before it, it knows only what it needs. */
export interface PlanArgs extends BatchSettings {
  /** The Redis that holds the queue. Batches that share one need queues of their own. */
  redis: Redis;
  /** The image of the workers. */
  image: WorkerImage;
  /** Name of the worker Job; the names of the other objects add a suffix. @default the component's name */
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
  /**
   * The stack that owns the objects and the queue. After a rename of the stack, give its old name. @default
   * `project/stack`
   */
  owner?: string;
  /** Batches that must have succeeded before this one is seeded; when one of them runs again, so does this one. */
  after?: Predecessor[];
}

/** A Batch as its arguments describe it. */
export interface BatchPlan {
  /** Name of the component; its children are named after it. */
  name: string;
  /** Its type and name, for messages. */
  component: string;
  args: PlanArgs;
  settings: Values<typeof batchSettings>;
  /** Name of the worker Job. */
  jobName: string;
  queue: string;
  /** Its namespace, if it is not that of its Redis. */
  elsewhere: pulumi.Input<string> | undefined;
  /** Absent if the list is filled by hand. */
  items: BatchItems | undefined;
  owner: Owner;
  ownership: Ownership;
}

const OTHERS = ["redis", "image", "after"];
const OWN = { name: { ...programSettings.name, default: undefined }, queue: programSettings.queue };

/**
 * Reads and checks the arguments.
 * @param isBatch Whether a value is a Batch.
 * @throws ConfigError of one line for one that cannot be used.
 */
export function planOf(name: string, args: PlanArgs, isBatch: (value: unknown) => boolean): BatchPlan {
  const component = `Batch ${name}`;
  const settings = readArgs(component, { ...batchSettings, ...objectSettings, ...OWN }, args, OTHERS);
  const jobName = nameOf(component, "name", settings.name, name, OWN.name.parse);
  const queue = nameOf(component, "queue", settings.queue, name, OWN.queue.parse);
  const items = checked(component, () => {
    checkKinds(args, isBatch);
    if (settings.kueueQueue !== undefined && scaleOf(settings))
      throw new ConfigError(
        "Expected a fixed `parallelism` and no `idleAfter` with `kueueQueue`: Kueue evicts all workers when their number changes.",
      );
    const items = itemsOf(component, args, settings.itemsRange);
    checkTogether(args, items);
    args.redis.takeNames(name, { queue, jobName, namespace: elsewhereOf(args) });
    return items;
  });
  warnOfItems(component, queue, items, settings);
  for (const key of ["pod", "auxPod"] as const)
    settings[key] &&= later(settings[key], (patch) => checked(component, () => checkPodPatch(key, patch)));
  later(settings.pod, (patch) => warnOfOthers(component, patch));
  const owner = new Owner(settings.owner);
  const named = { name, component, jobName, queue, owner };
  return { ...named, args, settings, items, elsewhere: elsewhereOf(args), ownership: new Ownership(owner) };
}

/** Checks in the cluster, while the program declares its other components. */
export function checkInCluster(
  batch: pulumi.ComponentResource,
  { component, args, elsewhere, ownership }: BatchPlan,
  checks: OwnChecks,
  opts: pulumi.ComponentResourceOptions | undefined,
): void {
  const { redis } = args;
  const { isCreated } = redis.planned;
  const namespace = elsewhere ?? redis.planned.namespace;
  // The Redis itself checks its own namespace.
  const mayComeLater = elsewhere === undefined || mayBeMadeBefore(elsewhere, opts);
  checks.await(ownership.check(batch, { component, namespace, mayComeLater }));
  checks.await(dryRunPods(batch, component, { namespace, isCreated }, args));
  // The address of a Redis that runs elsewhere is in a Secret. A Batch in another namespace has its own copy.
  if (redis.podName !== undefined || elsewhere === undefined) checks.await(onClusterOf(redis, batch, component));
}

async function onClusterOf(redis: Redis, batch: pulumi.ComponentResource, component: string): Promise<void> {
  const [own, ofRedis] = await Promise.all([connectCluster(batch), connectCluster(redis)]);
  await checkSameCluster(component, own, ofRedis);
}

const elsewhereOf = ({ redis, namespace }: PlanArgs) =>
  namespace === redis.namespace || namespace === redis.planned.namespace ? undefined : namespace;

/** Checks that the arguments which are components are of the right kind. @throws ConfigError */
function checkKinds({ redis, image, after }: PlanArgs, isBatch: (value: unknown) => boolean): void {
  const given = { redis, image, after };
  const areBatches = after === undefined || (Array.isArray(after) && after.every(isBatch));
  for (const [key, isThat, what] of [
    ["redis", redis instanceof Redis, "a Redis"],
    ["image", image instanceof WorkerImage, "a WorkerImage"],
    ["after", areBatches, "a list of Batches"],
  ] as const)
    if (!isThat)
      throw new ConfigError(
        `Expected \`${key}\` to be ${what}, got ${given[key] === undefined ? "nothing" : "something else"}.`,
      );
}

/** Checks arguments that depend on each other. @throws ConfigError */
function checkTogether(args: PlanArgs, items: BatchItems | undefined): void {
  const { image, command, workers, after = [] } = args;
  const unawaited = after.findIndex(({ isAwaited }) => !isAwaited);
  if (unawaited >= 0)
    throw new ConfigError(
      `Expected \`after\` to have only Batches that \`up\` waits for, and \`after[${unawaited}]\` has \`wait: false\` or \`workers: false\`.`,
    );
  if (items?.kind === "file" && !items.inline && !image.build)
    throw new ConfigError(
      `Expected \`items\` of at most 512 KiB, compressed, ${image.isReadyMade ? "with `image`" : "without an image"}: more needs \`imageName\`, and Docker, to travel in an image.`,
    );
  if (command === undefined && String(workers) !== "false" && !image.isReadyMade && image.handler === undefined)
    throw new ConfigError("Expected `command`, or an image with a `handler`, got neither.");
  checkRunners(args);
  checkClaims(args.claims, image);
}
