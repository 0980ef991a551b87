// All settings: description, default, parser. Each component's arguments are in a table:
//
//   redisSettings    Redis           imageSettings    WorkerImage     batchSettings    Batch
//   objectSettings   Redis and Batch: name, namespace, labels and owner of their objects
//   programSettings  index.ts: names, files, and what it makes arguments of
//
// In a stack file each is a key `job-wq-2:KEY`, those of Redis with `redis` in front. `npm run docs` generates
// Pulumi.yaml, docs/settings.md and components/args.ts from here. Programs of the image get theirs by toldSettings.ts.
import { image, imageName } from "./parse/imageReference.ts";
import * as parse from "./parse.ts";
import { MAX_RESULT_BYTES } from "../queue/limits.ts";

/** The queue of a stack that names none: that of the Kubernetes page. */
export const DEFAULT_QUEUE = "job2";

/** A program in the image (worker/README.md). */
export type Program = "worker" | "seed" | "supervisor";

/** One setting. */
export interface Setting<T = unknown> {
  parse: parse.Parser<T>;
  /** Default, as it is written in a stack file. */
  default?: string | object;
  /** Description with the unit, in Markdown. */
  description: string;
  /** Kept encrypted, and never repeated. */
  secret?: true;
  /** Decides which resources there are, so an argument must be a plain value, not an output. */
  plain?: true;
}

/** A setting of a Batch. */
export interface BatchSetting extends Setting {
  /** Programs in the image that are told its value. */
  programs?: Program[];
}

/** Arguments of {@link Redis}; in a stack file with `redis` in front: `redisMemory`. */
export const redisSettings = {
  url: {
    parse: parse.redisUrl,
    secret: true,
    description: "A Redis of your own, `rediss://user:password@host:port`. No Redis is created then",
  },
  ca: {
    parse: parse.certificate,
    description: "Certificate (PEM) of the private authority that signed the certificate of that Redis",
  },
  storage: {
    parse: parse.bytes(2 ** 20),
    description:
      "Size of a volume claim for Redis, like `1Gi`; fixed once created. Without it the data goes with the Pod",
  },
  image: {
    parse: image,
    default: "redis:8",
    description: "Redis image, 7.0 or later. From 7.2 on, a batch ends only when its end is on disk",
  },
  memory: {
    parse: parse.bytes(32 * 2 ** 20),
    default: "256Mi",
    description: "Memory limit of Redis, at least 32Mi; 60 % of it holds data",
  },
  pod: {
    parse: parse.map("Record<string, unknown>"),
    plain: true,
    description: "Strategic merge patch over Redis's pod template; its container is named `redis`",
  },
  auth: {
    parse: parse.flag,
    plain: true,
    default: "true",
    description: "Protect Redis with a generated password. Without a password, only pods of its namespace may connect",
  },
} satisfies Record<string, Setting>;

/** Arguments of {@link WorkerImage}. */
export const imageSettings = {
  imageName: {
    parse: imageName,
    description:
      "Image to build and push, with its registry: `ghcr.io/you/job-wq-2`. Without it, and without `image`, nothing is built: the code travels in a ConfigMap and runs in `baseImage` as it is",
  },
  image: {
    parse: image,
    description: "Ready-made image built by this project, used as it is; needs no Docker",
  },
  push: {
    parse: parse.flag,
    plain: true,
    default: "true",
    description: "Push the image. `false` when cluster and Docker share an engine (minikube, Docker Desktop)",
  },
  platform: { parse: parse.platform, default: "linux/amd64", description: "Platform of the cluster's nodes" },
  baseImage: {
    parse: image,
    description:
      "Image to build on, or to run in. Node.js is added, if it has none, or one older than 22. Default: `node:24-slim`; with a handler in Python, `python:3-slim`",
  },
  nodeImage: {
    parse: image,
    default: "node:24-slim",
    description:
      "Image to copy Node.js from, if `baseImage` has none. If `baseImage` has a `node` of its own, name the same image here",
  },
  entrypoint: {
    parse: parse.flag,
    plain: true,
    default: "false",
    description:
      "Start the workers and `finish` through the image's ENTRYPOINT, as `docker run` does. It must run its arguments, as those of conda, CUDA and `tini` do",
  },
  registryUsername: {
    parse: parse.text,
    description: "User name for push and pull. Default: this machine's `docker login` for the push, none for the pull",
  },
  registryPassword: {
    parse: parse.text,
    secret: true,
    description: "Password of `registryUsername`; `pulumi config set --secret`",
  },
  pullSecret: { parse: parse.name(), description: "Name of an existing pull Secret in the namespace" },
} satisfies Record<string, Setting>;

/** Default of `idleAfter` if `parallelism` is a range. */
export const RANGE_IDLE_AFTER = "1m";

/** Arguments of {@link Batch}. */
export const batchSettings = {
  // The items.
  items: {
    parse: parse.items,
    description:
      "Items, as a list of texts. At most one of `items`, `itemsFile`, `itemsRange`; with none, people fill the queue by hand",
  },
  itemsFile: {
    parse: parse.text,
    plain: true,
    description:
      "File with one item per line: text, or JSON (`.ndjson`, `.jsonl`), also gzipped or UTF-16; or a JSON array (`.json`). Millions are fine; empty lines are skipped",
  },
  itemsRange: { parse: parse.itemsRange, description: "Whole numbers as items, like `1..1000`" },

  // The work.
  command: {
    parse: parse.itemCommand,
    programs: ["worker"],
    description:
      "Program with its arguments, as a list, run once per item instead of the handler. In an argument `{}` is the item, `{.}` `{/}` `{//}` `{/.}` are parts of it as in GNU parallel, `{#}` its number, `{name}` a field of a JSON object, `{1}` the first of a JSON array",
  },
  serve: {
    parse: parse.flag,
    default: "false",
    programs: ["worker"],
    plain: true,
    description: "Start `command` once for each slot (`concurrency`), and give it one item after the other",
  },
  startTimeout: {
    parse: parse.duration(1_000),
    default: "5m",
    programs: ["worker"],
    description: "Time that a handler, or a program with `serve`, may take to load",
  },
  batch: {
    parse: parse.integer(1),
    programs: ["worker", "supervisor"],
    plain: true,
    description:
      "Largest number of items in one call of `handleBatch`, or in one line to a program with `serve`. Then `concurrency` counts batches",
  },
  batchWait: {
    parse: parse.duration(0),
    default: "200ms",
    programs: ["worker"],
    description: "Longest time that a `batch` waits for more items",
  },
  env: { parse: parse.variables, description: "Environment variables of the handler or command" },
  secretEnv: {
    parse: parse.variables,
    secret: true,
    description: "Environment variables kept in a Secret; `pulumi config set --secret --path secretEnv.TOKEN`",
  },
  workSeconds: {
    parse: parse.amount,
    default: "1",
    programs: ["worker"],
    description: "Seconds that the shipped handler sleeps per item",
  },

  // Items at a time, and pods.
  parallelism: {
    parse: parse.parallelism,
    default: "2",
    plain: true,
    description:
      "Number of worker pods, at least 1; or a range like `2..100`, in which the number follows the items that are left",
  },
  idleAfter: {
    parse: parse.duration(0),
    plain: true,
    description: `Remove worker pods that were not needed for this time; they are added again when needed. Default: \`${RANGE_IDLE_AFTER}\` with a range of \`parallelism\`, else never`,
  },
  concurrency: {
    parse: parse.integer(1),
    default: "1",
    programs: ["worker", "supervisor"],
    description: "Number of items that a pod works on at a time, at least 1",
  },
  workers: {
    parse: parse.flag,
    plain: true,
    default: "true",
    description: "Start workers. With `false`, `up` creates only Redis and the items",
  },

  // Attempts, and when an item or the batch is given up.
  maxAttempts: {
    parse: parse.integer(1),
    default: "3",
    programs: ["worker"],
    description: "Give an item up after this many failed attempts, at least 1",
  },
  backoff: {
    parse: parse.durationRange,
    default: "1s..5m",
    programs: ["worker"],
    description: "First and longest delay before a retry. The delay doubles each time, with jitter",
  },
  itemTimeout: {
    parse: parse.duration(1_000),
    default: "1h",
    programs: ["worker"],
    description: "Time limit of one attempt, at least 1s",
  },
  lease: {
    parse: parse.duration(2_000),
    default: "10s",
    programs: ["worker"],
    description: "Time until an item runs again after its worker died, if a slot is free; at least 2s",
  },
  maxLosses: {
    parse: parse.integer(1),
    default: "3",
    programs: ["worker"],
    description: "Give an item up when this many workers died while they had it in flight, at least 1",
  },
  maxFailures: {
    parse: parse.integer(0),
    programs: ["worker"],
    description: "Abort the batch when more items than this are given up. Default: never",
  },
  allowFailures: {
    parse: parse.flag,
    default: "false",
    programs: ["worker", "supervisor"],
    description: "`up` succeeds although items failed",
  },

  // Results and logs.
  maxResultBytes: {
    parse: parse.integer(0, MAX_RESULT_BYTES),
    default: "65536",
    programs: ["worker", "supervisor"],
    description: "Longest result that is kept, in bytes, at most 8388608; longer ones are cut",
  },
  keepResults: {
    parse: parse.oneOf("all", "failed"),
    default: "all",
    programs: ["worker"],
    description: "Keep what handlers returned (`all`), or only the reasons of failures (`failed`)",
  },
  keepLogs: {
    parse: parse.oneOf("failed", "all"),
    default: "failed",
    programs: ["worker"],
    description: "Keep logs of `failed` items only, or of `all`; 64 KiB each",
  },
  logFormat: {
    parse: parse.oneOf("text", "json"),
    default: "text",
    programs: ["worker"],
    description: "Log as plain lines (`text`) or as `json`",
  },
  finish: {
    parse: parse.command,
    programs: ["supervisor"],
    description:
      "Program with its arguments, as a list, run once at the end with every result on standard input; its output becomes the stack output `finish`",
  },

  // Runs, their end, and who is told.
  run: { parse: parse.text, default: "1", programs: ["seed"], description: "Another value runs every item again" },
  retry: { parse: parse.text, default: "0", description: "Another value runs the failed items again" },
  wait: {
    parse: parse.flag,
    plain: true,
    default: "true",
    description: "`up` waits for the end. With `false` it returns after the seeding, without a verdict",
  },
  activeDeadline: {
    parse: parse.duration(60_000),
    default: "24h",
    programs: ["supervisor"],
    description: "Time limit of all workers together, at least 1m",
  },
  notify: {
    parse: parse.webhook,
    secret: true,
    description:
      "URL for one POST at the end, and when the batch stalls (Slack, Mattermost); `pulumi config set --secret`",
  },
  stallAfter: {
    parse: parse.duration(1_000),
    default: "30m",
    programs: ["supervisor"],
    description: "Report a stall when no item was done or failed for this time",
  },
  metrics: {
    parse: parse.flag,
    plain: true,
    default: "false",
    programs: ["supervisor"],
    description: "Serve Prometheus metrics on port 9464 of the supervisor's pod",
  },
  metricsFrom: {
    parse: parse.name(),
    description: "Namespace whose pods may read `metrics`. Default: the batch's namespace",
  },

  // The pods.
  resources: {
    parse: parse.resources,
    // Requests and limits are complete, so that a ResourceQuota admits the pods.
    default: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "1", memory: "512Mi" } },
    description: "Resources of a worker",
  },
  pod: {
    parse: parse.map("Record<string, unknown>"),
    description:
      "Strategic merge patch over the workers' pod template, as of `kubectl patch`; the container is named `c`",
  },
  auxPod: {
    parse: parse.map("Record<string, unknown>"),
    description:
      "Strategic merge patch over the pods that do no work: those of the seed Job, the supervisor, and the relay of `wq`",
  },
  claims: {
    parse: parse.mountPaths,
    description: "Existing volume claims and where workers find them: `{films: /films}`",
  },
  sharedMemory: {
    parse: parse.bytes(2 ** 20),
    description: "Size of `/dev/shm`, like `8Gi`, which counts as memory. Default: 64Mi",
  },
  nodeSelector: { parse: parse.stringMap, description: "Labels of the nodes that workers may run on" },
  tolerations: {
    parse: parse.list("k8s.types.input.core.v1.Toleration"),
    description: "Tolerations of all pods of the batch, as in a Pod",
  },
  priorityClass: { parse: parse.name(), description: "Name of the workers' PriorityClass" },
  serviceAccountName: {
    parse: parse.name(),
    description: "ServiceAccount of the workers. A token is mounted only if this is set",
  },
  runAsUser: { parse: parse.integer(1), default: "1000", description: "User id of the workers, at least 1" },
  gracePeriod: {
    parse: parse.duration(0),
    default: "10s",
    programs: ["worker"],
    description: "Time in which items in flight may finish when a pod is stopped",
  },
  kueueQueue: { parse: parse.name(), description: "Kueue LocalQueue for the Jobs" },
} satisfies Record<string, BatchSetting>;

/** Arguments that {@link Redis} and {@link Batch} have, with defaults of their own. */
export const objectSettings = {
  name: {
    parse: parse.name(46),
    plain: true,
    description: "Prefix of the names of its objects. Default: the component's name",
  },
  namespace: { parse: parse.name(), description: "Namespace of its objects" },
  labels: { parse: parse.labels, plain: true, description: "Labels on everything" },
  owner: {
    parse: parse.owner,
    plain: true,
    description:
      "Stack that owns the objects and the queue. After a rename, the old `PROJECT/STACK` keeps both. Default: this one",
  },
} satisfies Record<string, Setting>;

/** Settings with defaults of this program alone. index.ts turns them into arguments of the components. */
export const programSettings = {
  ...objectSettings,
  name: {
    parse: parse.name(40),
    plain: true,
    default: "job-wq-2",
    description: "Prefix of the names of all objects; the default gives the names of the Kubernetes page",
  },
  namespace: {
    parse: parse.name(),
    description: "Kubernetes namespace of all objects. Default: the provider's, or that of the kubeconfig's context",
  },
  createNamespace: {
    parse: parse.flag,
    plain: true,
    default: "false",
    description: "Create the namespace; it enforces Pod Security `restricted`",
  },
  queue: {
    parse: parse.queueName,
    plain: true,
    description: `Name of the list in Redis. Default: \`${DEFAULT_QUEUE}\`, and with \`redisFrom\` the stack's name`,
  },
  redisFrom: {
    parse: parse.text,
    description:
      "Use the Redis of another stack of this project, `STACK` or `ORGANIZATION/PROJECT/STACK`, and create none",
  },
  handler: {
    parse: parse.text,
    default: "worker/handler.ts",
    description:
      "File with the handler: the default export of `.ts` or `.js`, bundled with its packages, or `handle` of `.py`",
  },
  requirements: {
    parse: parse.text,
    description: "File of packages that a handler in Python needs, like `requirements.txt`; `files` may hold wheels",
  },
  files: {
    parse: parse.text,
    default: "worker/files",
    description: "Folder that is copied to `/work`, the working directory. Ignored if it does not exist",
  },
} satisfies Record<string, Setting>;

type Prefixed<S> = { [K in keyof S & string as `redis${Capitalize<K>}`]: S[K] };

/** The name of a Redis argument in a stack file: `memory` is `redisMemory`. */
export const redisKey = (argument: string): string => `redis${argument[0]!.toUpperCase()}${argument.slice(1)}`;

/** All settings of a stack file, by name. */
export const settings = {
  ...batchSettings,
  ...programSettings,
  ...imageSettings,
  ...(Object.fromEntries(
    Object.entries(redisSettings).map(([argument, setting]) => [redisKey(argument), setting]),
  ) as Prefixed<typeof redisSettings>),
};

export type Key = keyof typeof settings;
