// A Job of a Batch, as all of them are: a fixed name, the image, Redis, and the Jobs that it follows.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { podTemplate, seconds } from "../pod/jobPod.ts";
import { FOLLOWS, INSTEAD_OF, RUNS_FOR } from "../../cluster/liveJobs.ts";
import { digestOf, labels, type Labels } from "../../labels.ts";
import { AT_ONCE, AWAITED, onceAnnotated, uidOf, WAIT_FOR } from "../../cluster/client.ts";
import type { JobArgs, JobDefaults } from "./jobArgs.ts";

/** A Job of the image, admitted by Pod Security `restricted`. */
export function makeJob(resource: string, defaults: JobDefaults, args: JobArgs): k8s.batch.v1.Job {
  const { name } = args;
  const metadata = {
    name,
    namespace: defaults.namespace,
    labels: { ...labels(defaults.name, args.component, defaults.labels), ...defaults.jobLabels },
  };
  return new k8s.batch.v1.Job(
    resource,
    {
      metadata: { ...metadata, annotations: annotations(args), ownerReferences: args.ownerReferences },
      spec: {
        activeDeadlineSeconds: seconds(args.deadlineMs),
        ...args.spec,
        template: podTemplate(defaults, args),
      },
    },
    { parent: defaults.parent, ...options(defaults, args) },
  );
}

/** Everything that orders a Job among others, from what it follows. */
function options(
  { ready }: JobDefaults,
  { order: { follows, gate, insteadOf }, trigger, ignoreChanges, graceMs = 30_000 }: JobArgs,
): pulumi.CustomResourceOptions {
  return {
    dependsOn: afterGate(gate, [...ready, ...follows]),
    // The name is fixed, so the old Job must be gone first. The provider knows that, but a trigger or `replaceWith`
    // does not ask it.
    deleteBeforeReplace: true,
    ignoreChanges,
    // Both are needed: `replaceWith` deletes this Job before what it follows, and shows in previews; the trigger also
    // covers what was created anew, like a Pod that a refresh found gone.
    replaceWith: follows,
    replacementTrigger: [...trigger, insteadOf, ...follows.map(uidOf)],
    // Longer than the grace period of the pods. The engine takes no outputs here.
    customTimeouts: { delete: typeof graceMs === "number" ? `${Math.ceil(graceMs / 1000) + 600}s` : "24h" },
  };
}

async function afterGate(gate: Promise<void>, resources: pulumi.Resource[]): Promise<pulumi.Resource[]> {
  await gate;
  return resources;
}

/**
 * Annotations with which the provider does not wait. The program waits itself (cluster/waitForJob.ts): it can tell why
 * a Job does not start, and can be interrupted and run again. The map is plain, since programs add to it by
 * transformations.
 */
function annotations({ order: { follows, insteadOf, awaited }, trigger }: JobArgs): Labels {
  const asked = pulumi.output(awaited);
  return {
    [FOLLOWS]: pulumi.all(follows.map(uidOf)).apply((uids) => uids.join(" ")),
    [RUNS_FOR]: pulumi.output(trigger).apply(digestOf),
    [INSTEAD_OF]: orAbsent(insteadOf),
    [AWAITED]: orAbsent(asked),
    [WAIT_FOR]: asked.apply((mark) => (mark ? onceAnnotated(AWAITED, mark) : AT_ONCE)),
  };
}

/** A text; an empty one is left out. */
const orAbsent = (text: pulumi.Input<string | undefined>) =>
  pulumi.output(text).apply((known) => known || undefined) as pulumi.Output<string>;
