// The component for programs in other languages, which have no classes of TypeScript: Redis, image and batch in one.
import * as pulumi from "@pulumi/pulumi";
import { componentProviderHost } from "@pulumi/pulumi/provider/experimental/index.js";
import { Batch, Redis, WorkerImage } from "job-wq-2";

/** Amounts of CPU, memory and others, like `{ memory: 2Gi }`. */
export interface Amounts {
  /** Amounts that a pod is sure to have. */
  requests?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** Amounts that it may not exceed. */
  limits?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
}

/** Arguments of a WorkQueue: its items, and how they are worked on. */
export interface WorkQueueArgs {
  /** Items, as a list of texts. One of `items` and `itemsRange`. */
  items?: pulumi.Input<pulumi.Input<string>[]>;
  /** Whole numbers as items, like `1..1000`. */
  itemsRange?: pulumi.Input<string>;
  /** Program with its arguments, run once per item: `{}` in an argument, its standard input and `ITEM`. */
  command: pulumi.Input<pulumi.Input<string>[]>;
  /** Image that the program runs in. Default: `node:24-slim`. */
  baseImage?: pulumi.Input<string>;
  /** Image from which Node.js is copied if `baseImage` has none. */
  nodeImage?: pulumi.Input<string>;
  /** Name of an existing pull Secret in the namespace. */
  pullSecret?: pulumi.Input<string>;
  /** Environment variables of the program. */
  env?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** Environment variables that are kept in a Secret. */
  secretEnv?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** Program with its arguments, run once at the end with every result on its standard input. */
  finish?: pulumi.Input<pulumi.Input<string>[]>;
  /** Worker pods, from 1; or a range like `2..100`. Default: 2. */
  parallelism?: string;
  /** Items a pod works on at a time. Default: 1. */
  concurrency?: pulumi.Input<number>;
  /** Failed attempts before an item is given up. Default: 3. */
  maxAttempts?: pulumi.Input<number>;
  /** Time limit of one attempt, like `10m`. Default: `1h`. */
  itemTimeout?: pulumi.Input<string>;
  /** Time limit of all workers together. Default: `24h`. */
  activeDeadline?: pulumi.Input<string>;
  /** Resources of a worker. Default: a CPU and 512Mi at most. */
  resources?: pulumi.Input<Amounts>;
  /** Labels of the nodes that workers may run on. */
  nodeSelector?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** Existing volume claims and where workers find them: `{ films: /films }`. */
  claims?: pulumi.Input<{ [name: string]: pulumi.Input<string> }>;
  /** ServiceAccount of the workers. */
  serviceAccountName?: pulumi.Input<string>;
  /** `up` succeeds although items failed. Default: false. */
  allowFailures?: pulumi.Input<boolean>;
  /** Change it to run every item again. */
  run?: pulumi.Input<string>;
  /** Change it to run the failed items again. */
  retry?: pulumi.Input<string>;
  /** A Redis of your own, `rediss://user:password@host:port`. None is created then. */
  redisUrl?: pulumi.Input<string>;
  /** Size of a volume claim for Redis, like `1Gi`. Without it the data goes with the pod. */
  redisStorage?: pulumi.Input<string>;
  /** Memory limit of Redis. Default: `256Mi`. */
  redisMemory?: pulumi.Input<string>;
  /** Namespace of everything. Default: that of the Kubernetes provider. */
  namespace?: pulumi.Input<string>;
  /** Prefix of the names of all objects: lower-case letters, digits and dashes. Default: the resource's name. */
  name?: string;
}

/** A finite list of items, processed in parallel by a Kubernetes Job. It is there when the batch has ended well. */
export class WorkQueue extends pulumi.ComponentResource {
  /** Number of items: `total`, `done`, `failed`. */
  readonly counts: pulumi.Output<{ [outcome: string]: number }>;
  /** The first items that failed. */
  readonly failed: pulumi.Output<string[]>;
  /** Time that it took. */
  readonly seconds: pulumi.Output<number>;
  /** Output of `finish`; empty without one. */
  readonly finish: pulumi.Output<string>;
  /** Its namespace. */
  readonly namespace: pulumi.Output<string>;

  constructor(name: string, args: WorkQueueArgs, opts?: pulumi.ComponentResourceOptions) {
    super("job-wq-2:index:WorkQueue", name, args, opts);
    const { redisUrl, redisStorage, redisMemory, namespace, baseImage, nodeImage, pullSecret, ...batch } = args;
    const child = { parent: this };
    const redisName = args.name && `${args.name}-redis`;
    const place = { url: redisUrl, storage: redisStorage, memory: redisMemory, namespace, name: redisName };
    const redis = new Redis(`${name}-redis`, given(place), child);
    const image = new WorkerImage(`${name}-image`, given({ baseImage, nodeImage, pullSecret }), child);
    const done = new Batch(name, { redis, image, ...given(batch) }, child);
    this.counts = done.counts.apply((counts): { [outcome: string]: number } => ({ ...counts }));
    this.failed = done.failed;
    this.seconds = done.seconds;
    this.finish = done.finish ?? pulumi.output("");
    this.namespace = redis.namespace;
    const { counts, failed, seconds, finish } = this;
    this.registerOutputs({ counts, failed, seconds, finish, namespace: this.namespace });
  }
}

/** The given ones of some arguments. */
const given = <T extends object>(args: T): T =>
  Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined)) as T;

await componentProviderHost({ name: "job-wq-2", dirname: import.meta.dirname, components: [WorkQueue] });
