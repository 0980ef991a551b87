// The pipeline, in the order of the Kubernetes page "Fine Parallel Processing Using a Work Queue".
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import {
  labels,
  names,
  pullSecret,
  RedisQueue,
  SeedJob,
  VerdictJob,
  WorkerImage,
  WorkerJob,
} from "./components/index.ts";
import { BadHandler, checkHandler } from "./components/image/bundle.ts";
import { BadSetting, registryOf } from "./config/parse.ts";
import { readConfig, stackSource } from "./config/index.ts";

/** What a person can act on is one line, without a stack. */
function orOneLine<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof BadSetting || error instanceof BadHandler) throw new pulumi.RunError(error.message);
    throw error;
  }
}

// Older ones do not know a trigger of a replacement, and would leave out what is to run again.
await pulumi.requirePulumiVersion(">=3.226.0").catch((error: Error) => {
  throw new pulumi.RunError(
    `${error.message.replace(/^\d+ [A-Z_]+: /, "")}; get a newer one: https://www.pulumi.com/docs/install/`,
  );
});

const config = orOneLine(() => readConfig(stackSource()));
const { queue, image, login } = config;
const owner = `${pulumi.getProject()}/${pulumi.getStack()}`;
if (config.items?.kind === "file" && !config.items.inline && image.kind === "ready") {
  throw new pulumi.RunError(
    "Expected `items` of at most 512 KiB, compressed, with `image`: more needs `imageName`, and Docker, to travel in an image.",
  );
}
if (image.kind === "build") orOneLine(checkHandler);

// A namespace, where it is to be made.
const created =
  config.createNamespace &&
  new k8s.core.v1.Namespace("namespace", {
    metadata: { name: config.namespace, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  });
const namespace = created ? created.metadata.name : config.namespace;

// Start Redis.
const { url, storage, ...server } = config.redis;
const redis = new RedisQueue("redis", {
  queue,
  namespace,
  ...server,
  ...(url && { url }),
  ...(storage && { storage }),
});

// Build the image and push it, once the cluster has shown that it answers.
const registry = registryOf(image.name);
const build = image.kind === "build" && {
  imageName: image.name,
  push: image.push,
  platform: config.platform,
  baseImage: config.baseImage,
  ...(login && { login: { server: registry, ...login } }),
};
const built = build && orOneLine(() => new WorkerImage("worker", build, { dependsOn: [redis.first] }));
const pull =
  login && pullSecret("job-wq-2-registry", { namespace, registry, ...login, labels: labels("worker", queue) }, {});
const shared = {
  namespace,
  queue,
  owner,
  image: built ? built.image : { reference: image.name, id: image.name },
  pullSecrets: [...(pull ? ["job-wq-2-registry"] : []), ...(config.pullSecret ? [config.pullSecret] : [])],
  redisEnv: redis.env,
  runAsUser: config.runAsUser,
  logFormat: config.logFormat,
};
const ready = [redis, ...(pull ? [pull] : [])];

// Fill the queue; without items it is filled by hand.
const seed =
  config.items &&
  new SeedJob("seed", {
    ...{ shared, items: config.items, run: config.run, retry: config.retry, dependsOn: ready },
    ...(build && { image: build }),
    data: redis.data,
  });

// Run the Job.
const { items: _, namespace: __, redis: ___, secretEnv, ...settings } = config;
const before = [redis.data, ...(seed ? [seed.job] : [])];
const workers =
  config.workers &&
  new WorkerJob("workers", {
    ...definedOnly(settings),
    ...(secretEnv && { secretEnv }),
    shared,
    after: before,
    dependsOn: [...ready, ...before],
  });

// Say how it ended.
if (workers && config.wait) {
  new VerdictJob("verdict", { shared, allowFailures: config.allowFailures, after: [...before, workers.job] });
}

/** Settings that are not set are absent, not undefined. */
function definedOnly<T extends object>(
  values: T,
): { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
} {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

// An image that the cluster cannot pull is an error of `up` in seconds.
const provider = new pulumi.Config("kubernetes");
const kubeContext = provider.get("context");
const kubeconfig = provider.getSecret("kubeconfig");
const awaited = [
  ...(seed ? [{ name: names.seed, job: seed.job }] : []),
  ...(workers && config.wait ? [{ name: names.worker, job: workers.job }] : []),
];
if (!pulumi.runtime.isDryRun()) {
  pulumi.output(kubeconfig).apply((kubeconfig) => {
    const cluster = { kubeconfig, context: kubeContext };
    // Its client of Kubernetes is large: a preview does without.
    void import("./components/batch/imagePullWatcher.ts")
      .then(({ watchPulls }) => watchPulls({ namespace: config.namespace, jobs: awaited, cluster }))
      .catch(() => {});
  });
}

// What to type to watch it. None of the outputs waits for a Job, so that they are there while `up` waits.
const inNamespace = config.namespace === "default" ? "" : ` -n ${config.namespace}`;
const redisPod = url ? undefined : storage ? `${names.redisPod}-0` : names.redisPod;
const commands = definedOnly({
  status: "npm run status -- --watch",
  describe: workers ? `kubectl${inNamespace} describe jobs/${names.worker}` : undefined,
  wait: workers ? `kubectl${inNamespace} wait --for=condition=complete --timeout=300s job/${names.worker}` : undefined,
  logs: workers ? `kubectl${inNamespace} logs -l job-name=${names.worker} --prefix --tail=-1` : undefined,
  waiting: redisPod && `kubectl${inNamespace} exec ${redisPod} -- redis-cli lrange ${queue} 0 -1`,
});
if (workers && config.wait && !pulumi.runtime.isDryRun()) {
  // A line each: of a longer message Pulumi shows only the first line before the end.
  for (const line of ["While `up` waits for the workers, watch them with:", ...Object.values(commands)]) {
    void pulumi.log.info(line);
  }
}
export default definedOnly({
  ...{ namespace: config.namespace, queue, commands, redisPod, redisUrl: url },
  workerJob: workers ? names.worker : undefined,
  redisSecret: url || !server.auth ? undefined : names.redis,
  kubeContext,
  kubeconfig,
});
