// The third step of a Batch: its Jobs, one after the other, and the verdict.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { uidOf } from "../cluster/client.ts";
import { labels } from "../labels.ts";
import { makeSecret } from "../secret.ts";
import type { K8sObject, Known } from "../types.ts";
import { previewItems } from "./itemsPreview.ts";
import type { JobDefaults, JobOrder } from "./jobs/jobArgs.ts";
import { makeSeedJob } from "./jobs/seedJob.ts";
import { makeSupervisorJob } from "./jobs/supervisorJob.ts";
import { howItemsRun, makeWorkerJob, workerPod } from "./jobs/workerJob.ts";
import { Lifecycle } from "./lifecycle.ts";
import type { BatchPlan } from "./plan.ts";
import { makeVerdict, type Verdict } from "./verdict.ts";

/** The Jobs of a Batch, and what comes after them. */
export interface Stages {
  /** Absent without workers. So are the next ones. */
  workers?: k8s.batch.v1.Job;
  supervisor?: k8s.batch.v1.Job;
  /** Absent if `up` does not wait. */
  verdict?: Verdict;
  /** The last of its Jobs. */
  last: K8sObject;
  /** Resolves when all that `up` waits for has ended well. */
  done: Promise<void>;
}

/** Predecessors of the next Job. */
type Before = Pick<JobOrder, "follows" | "gate">;

/** Creates them. @param onWait Called when `up` begins to wait for the verdict. */
export function makeJobs(shared: JobDefaults, plan: BatchPlan, onWait: () => void): Stages {
  const { name, args, settings, items } = plan;
  const lifecycle = new Lifecycle(shared.parent, {
    name: shared.name,
    namespace: shared.namespace,
    owner: plan.owner,
    hasWorkers: settings.workers,
    hasVerdict: settings.workers && settings.wait,
    watchRedis: () => args.redis.watch(),
  });
  const before = start(plan, lifecycle);
  const secretEnv =
    settings.workers && settings.secretEnv ? makeSecretEnv(`${name}-env`, shared, settings.secretEnv) : undefined;
  const envFrom = secretEnv && [{ secretRef: { name: secretEnv.metadata.name } }];
  const work = { args, settings, handler: args.image.handler, envFrom };
  const { seed, ...seeded } =
    items || settings.workers
      ? makeSeed(shared, plan, lifecycle, before, [
          settings.retry,
          // A corrected setting runs failed items again, also in a list that was filled by hand.
          howItemsRun(shared, work),
          secretEnv ? uidOf(secretEnv) : "",
        ])
      : { seed: undefined, ...before };
  if (!settings.workers) return { last: seed ?? args.redis.storage, done: seeded.gate };

  const { marks } = lifecycle.left;
  const pod = workerPod(shared, work);
  const workers = makeWorkerJob(`${name}-workers`, shared, {
    settings,
    pod,
    order: { ...seeded, insteadOf: marks.workers },
  });
  const supervisor = makeSupervisorJob(`${name}-supervisor`, shared, {
    settings,
    workers,
    isSeeded: items !== undefined,
    envFrom,
    order: {
      follows: [...seeded.follows, workers],
      gate: seeded.gate,
      insteadOf: marks.supervisor,
      awaited: settings.wait ? marks.awaited : undefined,
    },
  });
  const jobs = { workers, supervisor, last: supervisor };
  if (!settings.wait) return { ...jobs, done: seeded.gate };
  const follows = seed ? [seed, workers, supervisor] : [workers, supervisor];
  const ended = { supervisor, workers, follows, items: items?.digest, lifecycle, onWait };
  const verdict = makeVerdict(`${name}-verdict`, shared, ended);
  return { ...jobs, verdict, done: verdict.given };
}

/** The Secret with the variables that a stack keeps encrypted. */
function makeSecretEnv(
  resource: string,
  { parent, name, names, namespace, labels: own }: JobDefaults,
  values: Known<Record<string, pulumi.Input<string>>>,
): k8s.core.v1.Secret {
  const metadata = { name: names.env, namespace, labels: labels(name, "worker", own) };
  return makeSecret(resource, metadata, values, { parent });
}

/** Predecessors of the first Job: Redis, the Batches before this one, and a look at what an earlier `up` left. */
function start({ args: { redis, after = [] } }: BatchPlan, { looked }: Lifecycle): Before {
  const gate = Promise.all([looked, redis.ready, ...after.map(({ done }) => done)]).then(() => {});
  gate.catch(() => {}); // the Jobs, which wait for it, report it
  return { follows: [redis.storage, ...after.map(({ last }) => last)], gate };
}

/** The seed Job, and the resources that the workers follow. */
function makeSeed(
  shared: JobDefaults,
  { name, args: { image, redis }, settings, items }: BatchPlan,
  lifecycle: Lifecycle,
  before: Before,
  again: pulumi.Input<unknown>[],
): Before & { seed: k8s.batch.v1.Job } {
  const { marks } = lifecycle.left;
  const order = { ...before, insteadOf: marks.seed, awaited: marks.awaited };
  const seed = makeSeedJob(`${name}-seed`, shared, { items, build: image.build, settings, again, order });
  const { parent, queue, owner } = shared;
  if (items) previewItems(parent, { seed, items, run: settings.run, queue, owner, redis, ...lifecycle });
  const gate = lifecycle.complete(seed).then(() => {});
  gate.catch(() => {}); // as above
  return { seed, follows: [...before.follows, seed], gate };
}
