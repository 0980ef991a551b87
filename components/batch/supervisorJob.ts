// The Job that watches the batch to its end and gives the verdict.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { K8sObject, Known } from "../types.ts";
import { type JobDefaults, makeJob } from "./job.ts";
import { envVars } from "./jobPod.ts";

/** What it watches, and by which rules it judges. */
export interface SupervisorJobArgs {
  workers: k8s.batch.v1.Job;
  allowFailures: Known<boolean>;
  /** Time limit of the workers, as it is written and in ms. */
  activeDeadline: pulumi.Input<string>;
  activeDeadlineMs: Known<number>;
  /** uid of the one that failed, for which this one is created again. */
  insteadOf: pulumi.Input<string>;
  follows: K8sObject[];
}

/** Time for the verdict after the workers' time is up, ms. */
const MARGIN_MS = 10 * 60_000;
/** Exit code of a bad verdict; any other end of its pod is an accident, after which another pod goes on. */
const VERDICT = 1;

/** Creates it. It has no fixed name: one that a killed `up` left behind must not be in the way, and goes with the worker Job that owns it. */
export function makeSupervisorJob(resource: string, defaults: JobDefaults, args: SupervisorJobArgs): k8s.batch.v1.Job {
  const { workers, activeDeadline, activeDeadlineMs } = args;
  const owner = { apiVersion: "batch/v1", kind: "Job", name: workers.metadata.name, uid: workers.metadata.uid };
  return makeJob(resource, defaults, {
    name: undefined,
    component: "supervisor",
    program: "supervisor",
    deadlineMs:
      typeof activeDeadlineMs === "number"
        ? activeDeadlineMs + MARGIN_MS
        : activeDeadlineMs.apply((ms) => ms + MARGIN_MS),
    trigger: [args.allowFailures],
    insteadOf: args.insteadOf,
    follows: args.follows,
    ownerReferences: [owner],
    spec: {
      backoffLimit: 6,
      podFailurePolicy: {
        rules: [
          { action: "FailJob", onExitCodes: { operator: "In", values: [VERDICT] } },
          { action: "Ignore", onPodConditions: [{ type: "DisruptionTarget", status: "True" }] },
        ],
      },
    },
    container: { resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { cpu: "500m", memory: "128Mi" } } },
    env: [
      ...envVars({ WQ_ALLOW_FAILURES: args.allowFailures }),
      { name: "WQ_ACTIVE_DEADLINE", value: activeDeadline },
      { name: "WQ_WORKERS_SINCE", value: workers.metadata.creationTimestamp },
    ],
  });
}
