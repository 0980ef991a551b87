// The last Job: fails `up`, with one line, when an item failed for good or the batch was aborted.
import type * as k8s from "@pulumi/kubernetes";
import type { K8sObject, Known } from "../types.ts";
import { envVars, type JobDefaults, makeJob } from "./job.ts";

/** It reads a few numbers. */
const DEADLINE_MS = 5 * 60_000;

/** Creates it. */
export function makeVerdictJob(
  resource: string,
  defaults: JobDefaults,
  { allowFailures, follows }: { allowFailures: Known<boolean>; follows: K8sObject[] },
): k8s.batch.v1.Job {
  return makeJob(`${resource}-job`, defaults, {
    name: `${defaults.name}-verdict`,
    component: "verdict",
    program: "verdict",
    deadlineMs: DEADLINE_MS,
    trigger: [allowFailures],
    follows,
    annotations: { "pulumi.com/replaceUnready": "true" },
    spec: { backoffLimit: 0 },
    env: envVars({ WQ_ALLOW_FAILURES: allowFailures }),
  });
}
