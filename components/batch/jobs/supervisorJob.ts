// The Job that watches the batch to its end: it scales the workers, notifies, and gives the verdict.
import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { batchSettings } from "../../../config/settings.ts";
import { exitCodes } from "../../../worker/exitCodes.ts";
import { METRICS_PORT } from "../../../config/ports.ts";
import { uidOf } from "../../cluster/client.ts";
import { digestOf, labels } from "../../labels.ts";
import { nameableAs } from "../../objectNames.ts";
import { later, type Values, whole } from "../../readArgs.ts";
import { makeSecret } from "../../secret.ts";
import { makeJob } from "./job.ts";
import type { JobDefaults, JobOrder } from "./jobArgs.ts";
import { envVars, settingsVariable } from "../pod/jobPod.ts";
import { customize } from "../pod/podSettings.ts";
import { makeScaleRights, scaleOf } from "./scaleRights.ts";

type Settings = Values<typeof batchSettings>;

/** The batch that it watches, and its rules. */
export interface SupervisorJobArgs {
  settings: Settings;
  workers: k8s.batch.v1.Job;
  /** True if the batch has a source of items, and is not filled by hand. */
  isSeeded: boolean;
  /** The Secret with the user's encrypted variables, for `finish`. */
  envFrom: k8s.types.input.core.v1.EnvFromSource[] | undefined;
  order: JobOrder;
}

/** Time for the verdict after the workers' time limit, ms. */
const MARGIN_MS = 10 * 60_000;
const RESOURCES = { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "500m", memory: "128Mi" } };

/**
 * Creates the Job. It has no fixed name, so a Job that a killed `up` left behind does not block it. That one is deleted
 * with the worker Job, which owns it.
 */
export function makeSupervisorJob(resource: string, defaults: JobDefaults, args: SupervisorJobArgs): k8s.batch.v1.Job {
  const { settings, workers, order } = args;
  const { finish, metrics, notify } = settings;
  const owner = { apiVersion: "batch/v1", kind: "Job", name: workers.metadata.name, uid: uidOf(workers) };
  const scale = scaleOf(settings);
  const rights = scale && makeScaleRights(resource, defaults);
  const job = nameableAs(resource, defaults.name);
  return makeJob(job, rights ? { ...defaults, ready: [...defaults.ready, rights.ready] } : defaults, {
    name: mayBeUnnamed() ? undefined : defaults.names.supervisor,
    component: "supervisor",
    program: "supervisor",
    runsUserCode: finish !== undefined,
    deadlineMs: later(settings.activeDeadline, (ms) => ms + MARGIN_MS),
    trigger: [settings.allowFailures],
    order,
    ownerReferences: [owner],
    podAnnotations: metrics
      ? { "prometheus.io/scrape": "true", "prometheus.io/port": String(METRICS_PORT) }
      : undefined,
    spec: {
      backoffLimit: 6,
      podFailurePolicy: {
        rules: [
          { action: "FailJob", onExitCodes: { operator: "In", values: [exitCodes.verdict] } },
          { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
        ],
      },
    },
    pod: rights && { serviceAccountName: rights.serviceAccountName, automountServiceAccountToken: true },
    customize: (template) => customize(template, { claims: finish && settings.claims, pod: defaults.auxPod }),
    container: {
      resources: finish ? whole(settings.resources, finishResources) : RESOURCES,
      envFrom: finish && args.envFrom,
    },
    env: later(finish ? (settings.env ?? {}) : {}, (own) => [
      ...envVars(own as Record<string, string>),
      ...settingsVariable("supervisor", settings, {
        queue: defaults.queue,
        name: defaults.name,
        isSeeded: args.isSeeded,
        workersSince: workers.metadata.creationTimestamp,
        finishDigest: finish && whole([finish, defaults.image.id, settings.env ?? {}], digestOf),
        scale: scale && { ...scale, job: defaults.names.workers },
      }),
      ...(notify === undefined ? [] : [notifyVariable(resource, defaults, notify)]),
    ]),
  });
}

/** Rules in the stack's config about names that providers make up. */
interface Autonaming {
  mode?: string;
  providers?: { kubernetes?: Autonaming & { resources?: Record<string, Autonaming | undefined> } };
}

/** True if the provider may name a Job: the config may forbid that for all, for Kubernetes, or for Jobs. */
function mayBeUnnamed(): boolean {
  const all = new pulumi.Config("pulumi").getObject<Autonaming>("autonaming");
  const ofKubernetes = all?.providers?.kubernetes;
  const ofJobs = ofKubernetes?.resources?.["kubernetes:batch/v1:Job"];
  return (ofJobs?.mode ?? ofKubernetes?.mode ?? all?.mode) !== "disabled";
}

/** CPU and memory of a worker, which `finish` may need as well; extended resources, like GPUs, are left out. */
function finishResources(resources: unknown): k8s.types.input.core.v1.ResourceRequirements {
  const { requests, limits } = resources as Record<"requests" | "limits", Record<string, string> | undefined>;
  const plain = (amounts: Record<string, string> = {}) =>
    Object.fromEntries(["cpu", "memory"].flatMap((key) => (key in amounts ? [[key, amounts[key]!]] : [])));
  return { requests: plain(requests), limits: plain(limits) };
}

/** The variable with the URL of `notify`, read from a Secret, since the URL may hold a token. */
function notifyVariable(
  resource: string,
  { parent, name, names, namespace, labels: own }: JobDefaults,
  url: pulumi.Input<string>,
) {
  const metadata = { name: names.notify, namespace, labels: labels(name, "supervisor", own) };
  const secret = makeSecret(`${resource}-notify`, metadata, { url }, { parent });
  return { name: "WQ_NOTIFY", valueFrom: { secretKeyRef: { name: secret.metadata.name, key: "url" } } };
}
