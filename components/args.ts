// Generated from config/settings.ts by `npm run docs`.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** Settings of {@link file://./index.ts | Redis}; all have a default or may be left out. */
export interface RedisSettings {
  /** A Redis of your own, `rediss://user:password@host:port`. No Redis is created then. */
  url?: pulumi.Input<string>;
  /** Certificate (PEM) of the private authority that signed the certificate of that Redis. */
  ca?: pulumi.Input<string>;
  /** Size of a volume claim for Redis, like `1Gi`; fixed once created. Without it the data goes with the Pod. */
  storage?: pulumi.Input<string>;
  /** Redis image, 7.0 or later. From 7.2 on, a batch ends only when its end is on disk. @default "redis:8" */
  image?: pulumi.Input<string>;
  /** Memory limit of Redis, at least 32Mi; 60 % of it holds data. @default "256Mi" */
  memory?: pulumi.Input<string>;
  /** Strategic merge patch over Redis's pod template; its container is named `redis`. */
  pod?: Record<string, unknown>;
  /**
   * Protect Redis with a generated password. Without a password, only pods of its namespace may connect. @default true
   */
  auth?: boolean;
}

/** Settings of {@link file://./index.ts | WorkerImage}; all have a default or may be left out. */
export interface ImageSettings {
  /**
   * Image to build and push, with its registry: `ghcr.io/you/job-wq-2`. Without it, and without `image`, nothing is
   * built: the code travels in a ConfigMap and runs in `baseImage` as it is.
   */
  imageName?: pulumi.Input<string>;
  /** Ready-made image built by this project, used as it is; needs no Docker. */
  image?: pulumi.Input<string>;
  /** Push the image. `false` when cluster and Docker share an engine (minikube, Docker Desktop). @default true */
  push?: boolean;
  /** Platform of the cluster's nodes. @default "linux/amd64" */
  platform?: pulumi.Input<string>;
  /**
   * Image to build on, or to run in. Node.js is added, if it has none, or one older than 22. Default: `node:24-slim`;
   * with a handler in Python, `python:3-slim`.
   */
  baseImage?: pulumi.Input<string>;
  /**
   * Image to copy Node.js from, if `baseImage` has none. If `baseImage` has a `node` of its own, name the same image
   * here. @default "node:24-slim"
   */
  nodeImage?: pulumi.Input<string>;
  /**
   * Start the workers and `finish` through the image's ENTRYPOINT, as `docker run` does. It must run its arguments, as
   * those of conda, CUDA and `tini` do. @default false
   */
  entrypoint?: boolean;
  /** User name for push and pull. Default: this machine's `docker login` for the push, none for the pull. */
  registryUsername?: pulumi.Input<string>;
  /** Password of `registryUsername`; `pulumi config set --secret`. */
  registryPassword?: pulumi.Input<string>;
  /** Name of an existing pull Secret in the namespace. */
  pullSecret?: pulumi.Input<string>;
}

/** Settings of {@link file://./index.ts | Batch}; all have a default or may be left out. */
export interface BatchSettings {
  /**
   * Items, as a list of texts. At most one of `items`, `itemsFile`, `itemsRange`; with none, people fill the queue by
   * hand.
   */
  items?: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * File with one item per line: text, or JSON (`.ndjson`, `.jsonl`), also gzipped or UTF-16; or a JSON array
   * (`.json`). Millions are fine; empty lines are skipped.
   */
  itemsFile?: string;
  /** Whole numbers as items, like `1..1000`. */
  itemsRange?: pulumi.Input<string>;
  /**
   * Program with its arguments, as a list, run once per item instead of the handler. In an argument `{}` is the item,
   * `{.}` `{/}` `{//}` `{/.}` are parts of it as in GNU parallel, `{#}` its number, `{name}` a field of a JSON object,
   * `{1}` the first of a JSON array.
   */
  command?: pulumi.Input<pulumi.Input<string>[]>;
  /** Start `command` once for each slot (`concurrency`), and give it one item after the other. @default false */
  serve?: boolean;
  /** Time that a handler, or a program with `serve`, may take to load. @default "5m" */
  startTimeout?: pulumi.Input<string>;
  /**
   * Largest number of items in one call of `handleBatch`, or in one line to a program with `serve`. Then `concurrency`
   * counts batches.
   */
  batch?: number;
  /** Longest time that a `batch` waits for more items. @default "200ms" */
  batchWait?: pulumi.Input<string>;
  /** Environment variables of the handler or command. */
  env?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Environment variables kept in a Secret; `pulumi config set --secret --path secretEnv.TOKEN`. */
  secretEnv?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Seconds that the shipped handler sleeps per item. @default 1 */
  workSeconds?: pulumi.Input<number>;
  /**
   * Number of worker pods, at least 1; or a range like `2..100`, in which the number follows the items that are left.
   * @default 2
   */
  parallelism?: number | string;
  /**
   * Remove worker pods that were not needed for this time; they are added again when needed. Default: `1m` with a range
   * of `parallelism`, else never.
   */
  idleAfter?: string;
  /** Number of items that a pod works on at a time, at least 1. @default 1 */
  concurrency?: pulumi.Input<number>;
  /** Start workers. With `false`, `up` creates only Redis and the items. @default true */
  workers?: boolean;
  /** Give an item up after this many failed attempts, at least 1. @default 3 */
  maxAttempts?: pulumi.Input<number>;
  /** First and longest delay before a retry. The delay doubles each time, with jitter. @default "1s..5m" */
  backoff?: pulumi.Input<string>;
  /** Time limit of one attempt, at least 1s. @default "1h" */
  itemTimeout?: pulumi.Input<string>;
  /** Time until an item runs again after its worker died, if a slot is free; at least 2s. @default "10s" */
  lease?: pulumi.Input<string>;
  /** Give an item up when this many workers died while they had it in flight, at least 1. @default 3 */
  maxLosses?: pulumi.Input<number>;
  /** Abort the batch when more items than this are given up. Default: never. */
  maxFailures?: pulumi.Input<number>;
  /** `up` succeeds although items failed. @default false */
  allowFailures?: pulumi.Input<boolean>;
  /** Longest result that is kept, in bytes, at most 8388608; longer ones are cut. @default 65536 */
  maxResultBytes?: pulumi.Input<number>;
  /** Keep what handlers returned (`all`), or only the reasons of failures (`failed`). @default "all" */
  keepResults?: pulumi.Input<string>;
  /** Keep logs of `failed` items only, or of `all`; 64 KiB each. @default "failed" */
  keepLogs?: pulumi.Input<string>;
  /** Log as plain lines (`text`) or as `json`. @default "text" */
  logFormat?: pulumi.Input<string>;
  /**
   * Program with its arguments, as a list, run once at the end with every result on standard input; its output becomes
   * the stack output `finish`.
   */
  finish?: pulumi.Input<pulumi.Input<string>[]>;
  /** Another value runs every item again. @default 1 */
  run?: pulumi.Input<string>;
  /** Another value runs the failed items again. @default 0 */
  retry?: pulumi.Input<string>;
  /** `up` waits for the end. With `false` it returns after the seeding, without a verdict. @default true */
  wait?: boolean;
  /** Time limit of all workers together, at least 1m. @default "24h" */
  activeDeadline?: pulumi.Input<string>;
  /** URL for one POST at the end, and when the batch stalls (Slack, Mattermost); `pulumi config set --secret`. */
  notify?: pulumi.Input<string>;
  /** Report a stall when no item was done or failed for this time. @default "30m" */
  stallAfter?: pulumi.Input<string>;
  /** Serve Prometheus metrics on port 9464 of the supervisor's pod. @default false */
  metrics?: boolean;
  /** Namespace whose pods may read `metrics`. Default: the batch's namespace. */
  metricsFrom?: pulumi.Input<string>;
  /**
   * Resources of a worker. @default {"requests":{"cpu":"100m","memory":"128Mi"},"limits":{"cpu":"1","memory":"512Mi"}}
   */
  resources?: pulumi.Input<k8s.types.input.core.v1.ResourceRequirements>;
  /** Strategic merge patch over the workers' pod template, as of `kubectl patch`; the container is named `c`. */
  pod?: pulumi.Input<Record<string, unknown>>;
  /**
   * Strategic merge patch over the pods that do no work: those of the seed Job, the supervisor, and the relay of `wq`.
   */
  auxPod?: pulumi.Input<Record<string, unknown>>;
  /** Existing volume claims and where workers find them: `{films: /films}`. */
  claims?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Size of `/dev/shm`, like `8Gi`, which counts as memory. Default: 64Mi. */
  sharedMemory?: pulumi.Input<string>;
  /** Labels of the nodes that workers may run on. */
  nodeSelector?: pulumi.Input<Record<string, pulumi.Input<string>>>;
  /** Tolerations of all pods of the batch, as in a Pod. */
  tolerations?: pulumi.Input<pulumi.Input<k8s.types.input.core.v1.Toleration>[]>;
  /** Name of the workers' PriorityClass. */
  priorityClass?: pulumi.Input<string>;
  /** ServiceAccount of the workers. A token is mounted only if this is set. */
  serviceAccountName?: pulumi.Input<string>;
  /** User id of the workers, at least 1. @default 1000 */
  runAsUser?: pulumi.Input<number>;
  /** Time in which items in flight may finish when a pod is stopped. @default "10s" */
  gracePeriod?: pulumi.Input<string>;
  /** Kueue LocalQueue for the Jobs. */
  kueueQueue?: pulumi.Input<string>;
}
