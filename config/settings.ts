// Every setting of a stack: what it is, its default, and how it is checked. The table in the README has a row for each; a test compares them.

/** A setting as the README shows it. */
export interface Setting {
  /** As it is written in a stack file; undefined: none. */
  default?: string;
  /** A list or an object, not a text. */
  structured?: true;
  secret?: true;
  /** What it is, with its unit. */
  about: string;
}

export const settings = {
  items: {
    structured: true,
    about:
      "the items, as a list of texts. At most one of `items`, `itemsFile`, `itemsRange`; with none the queue is filled by hand",
  },
  itemsFile: {
    about:
      "a file with an item a line: text, or JSON (`.ndjson`, `.jsonl`); millions are fine. Empty lines are left out",
  },
  itemsRange: { about: "whole numbers as items: `1..1000`" },
  queue: { default: "job2", about: "name of the list in Redis" },
  namespace: { default: "default", about: "Kubernetes namespace of everything" },
  createNamespace: { default: "false", about: "make the namespace; it enforces Pod Security `restricted`" },
  imageName: {
    about: "the image to build and push, with its registry: `ghcr.io/you/job-wq-2`. This or `image` is required",
  },
  image: { about: "a ready-made image of this project's, which is run as it is; needs no Docker" },
  push: { default: "true", about: "`false`: the cluster sees the engine's own images (minikube, Docker Desktop)" },
  platform: { default: "linux/amd64", about: "of the cluster's nodes, whatever this machine is" },
  baseImage: { default: "node:24-slim", about: "what the image is built on; any with glibc, Node.js is brought along" },
  registryUsername: {
    about: "login for the push and the pull. Default: the machine's `docker login` for the push, none for the pull",
  },
  registryPassword: { secret: true, about: "goes with `registryUsername`; `pulumi config set --secret`" },
  pullSecret: { about: "name of a pull Secret that is in the namespace already" },
  command: {
    structured: true,
    about: "a program with its arguments, as a list: it is run once for each item, instead of `worker/handler.ts`",
  },
  parallelism: { default: "2", about: "pods, from 1" },
  concurrency: { default: "1", about: "items at a time in a pod, from 1" },
  workSeconds: { default: "10", about: "how long the shipped handler sleeps for each item" },
  maxAttempts: { default: "3", about: "failed attempts until an item is given up, from 1" },
  backoff: {
    default: "1s..5m",
    about: "the wait after the first failure, and the longest; doubled in between, with jitter",
  },
  itemTimeout: { default: "1h", about: "how long one attempt may take, from 1s" },
  leaseSeconds: {
    default: "10",
    about: "a dead worker's item runs again within this time, where a slot is free; from 2",
  },
  maxFailures: { about: "abort the batch when more items than this are given up. Default: never" },
  allowFailures: { default: "false", about: "`up` succeeds although items failed" },
  maxResultBytes: { default: "65536", about: "longer results are cut" },
  keepResults: { default: "all", about: "`all`, or `failed`: what handlers returned is not kept" },
  keepLogs: { default: "failed", about: "`failed`, or `all`: whose logs are kept with the item, 64 KiB each" },
  run: { default: "1", about: "change it to run every item again" },
  retry: { default: "0", about: "change it to run the failed ones again" },
  workers: { default: "true", about: "`false`: Redis and the items only, no workers yet" },
  wait: { default: "true", about: "`false`: `up` does not wait for the end, and there is no verdict" },
  activeDeadline: { default: "24h", about: "how long the workers may take in all, from 1m" },
  gracePeriod: { default: "10s", about: "how long items in hand may go on when a pod is stopped" },
  resources: {
    structured: true,
    about: "of a worker: `{requests: {cpu, memory}, limits: {memory}}`. Default: requests of 100m and 128Mi",
  },
  nodeSelector: { structured: true, about: "labels of the nodes the workers may run on" },
  tolerations: { structured: true, about: "of the workers, as in a Pod" },
  priorityClass: { about: "name of the workers' PriorityClass" },
  env: { structured: true, about: "variables for the handler or command" },
  secretEnv: {
    structured: true,
    secret: true,
    about: "the same, kept in a Secret; `pulumi config set --secret --path secretEnv.TOKEN …`",
  },
  serviceAccountName: { about: "the workers' ServiceAccount; its token is mounted only with this" },
  runAsUser: { default: "1000", about: "the workers' user id, from 1" },
  redisUrl: { secret: true, about: "a Redis of your own, `rediss://user:password@host:port`; none is made then" },
  redisStorage: {
    about: "size of a claim for Redis, `1Gi`, fixed once it is made; default: a Pod whose data goes with it",
  },
  redisImage: { default: "redis:8", about: "any Redis from 7.0; from 7.2 on the end is on disk before it is believed" },
  redisMemory: { default: "256Mi", about: "memory limit of Redis, from 32Mi; 60 % of it is for data" },
  redisAuth: { default: "true", about: "`false`: no password" },
  logFormat: { default: "text", about: "`text`: the page's lines, or `json`" },
} satisfies Record<string, Setting>;

export type Key = keyof typeof settings;
