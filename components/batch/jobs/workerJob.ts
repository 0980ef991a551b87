// The parallel Job: pods that take items until the queue is provably finished.
import { createHash } from "node:crypto";
import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { batchSettings } from "../../../config/settings.ts";
import { HEALTH_PORT } from "../../../config/ports.ts";
import type { BatchSettings } from "../../args.ts";
import { later, type Values } from "../../readArgs.ts";
import { makeJob } from "./job.ts";
import type { JobDefaults, JobOrder, PodArgs } from "./jobArgs.ts";
import { customize } from "../pod/podSettings.ts";
import { envVars, settingsVariable, podTemplate } from "../pod/jobPod.ts";
import { scaleOf } from "./scaleRights.ts";

/**
 * Out of reach, since the queue bounds attempts and failures. Kubernetes counts the restarts of all pods together, and
 * at its limit deletes the pods with their logs.
 */
const BACKOFF_LIMIT = 1_000_000;
/** Time between the end of the items' grace and the end of the pod, ms. */
const GRACE_MARGIN_MS = 5_000;

const healthProbe = (path: string) => ({ httpGet: { path: `/${path}`, port: HEALTH_PORT } });

/** The work of a pod. */
export interface WorkerPodArgs {
  args: BatchSettings;
  settings: Values<typeof batchSettings>;
  /** Path of the handler, for messages. */
  handler: string | undefined;
  /** Secret with the variables of `secretEnv`. */
  envFrom: k8s.types.input.core.v1.EnvFromSource[] | undefined;
}

/** The worker Job. */
export interface WorkerJobArgs {
  settings: Values<typeof batchSettings>;
  pod: PodArgs;
  order: JobOrder;
}

/** Creates it. `completions` is unset, as on the Kubernetes page. */
export function makeWorkerJob(
  resource: string,
  defaults: JobDefaults,
  { settings, pod, order }: WorkerJobArgs,
): k8s.batch.v1.Job {
  return makeJob(resource, defaults, {
    ...pod,
    name: defaults.names.workers,
    deadlineMs: settings.activeDeadline,
    trigger: [settings.run],
    order,
    spec: { parallelism: settings.parallelism.min, backoffLimit: BACKOFF_LIMIT },
    // The supervisor changes it while the batch runs.
    ignoreChanges: scaleOf(settings) ? ["spec.parallelism"] : undefined,
  });
}

/** Properties of its pods. */
export function workerPod(defaults: JobDefaults, { args, settings, handler, envFrom }: WorkerPodArgs): PodArgs {
  const { priorityClass, serviceAccountName } = settings;
  return {
    component: "worker",
    program: "worker",
    runsUserCode: true,
    graceMs: later(settings.gracePeriod, (ms) => ms + GRACE_MARGIN_MS),
    customize: (template) => customize(template, { ...settings, sharedMemory: args.sharedMemory }),
    pod: {
      restartPolicy: "OnFailure",
      // The pause process, the first one of the pod, reaps processes that a handler or a command leaves behind.
      shareProcessNamespace: true,
      nodeSelector: later(defaults.nodeSelector, (all) =>
        later(settings.nodeSelector ?? {}, (own) => ({ ...all, ...own })),
      ),
      priorityClassName: priorityClass,
      serviceAccountName,
      automountServiceAccountToken: serviceAccountName !== undefined,
    },
    container: {
      resources: settings.resources,
      livenessProbe: { ...healthProbe("live"), periodSeconds: 30, timeoutSeconds: 10 },
      // A pod is ready while it has something in flight: when a Job gets smaller, Kubernetes removes the other pods
      // first.
      readinessProbe: { ...healthProbe("ready"), periodSeconds: 1, failureThreshold: 1 },
      envFrom,
    },
    // The user's variables, then ours.
    env: later(settings.env ?? {}, (own) => [
      ...envVars(own),
      ...settingsVariable("worker", settings, { queue: defaults.queue, handler, healthPort: HEALTH_PORT }),
    ]),
  };
}

/**
 * Digest of all that decides how items run: after a change of it, failed items may succeed. The number of pods and
 * `allowFailures` are no part of it.
 */
export function howItemsRun(defaults: JobDefaults, args: WorkerPodArgs): pulumi.Output<string> {
  const pod = workerPod(defaults, { ...args, settings: { ...args.settings, allowFailures: false } });
  // A digest reveals nothing, and a secret one would hide the whole Job.
  return pulumi
    .unsecret(pulumi.output(podTemplate(defaults, pod)))
    .apply((template) => createHash("sha256").update(JSON.stringify(template)).digest("hex"));
}
