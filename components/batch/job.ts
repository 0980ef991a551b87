// What the Jobs of a Batch have in common: a fixed name, the image, Redis, and how they follow each other.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { CodeParts } from "../image/codeVolume.ts";
import type { RunnableImage } from "../image/workerImage.ts";
import { podSpec, seconds } from "./pod/jobPod.ts";
import { FOLLOWS, INSTEAD_OF } from "../cluster/liveJobs.ts";
import { labels, type Labels, NO_MESH } from "../naming.ts";
import { AT_ONCE } from "../cluster/client.ts";
import type { RedisAccess } from "../redis/redis.ts";
import type { EnvVar, K8sObject, Known } from "../types.ts";

type JobSpec = k8s.types.input.batch.v1.JobSpec;
type PodSpec = k8s.types.input.core.v1.PodSpec;
type PodTemplate = k8s.types.input.core.v1.PodTemplateSpec;
type Container = k8s.types.input.core.v1.Container;

/** What all Jobs of a Batch have in common. */
export interface JobDefaults {
  /** The Batch: parent of its Jobs. */
  parent: pulumi.Resource;
  /** Name of the worker Job; the others add a suffix. */
  name: string;
  /** Labels of the user's own, on everything. */
  labels: Labels | undefined;
  namespace: pulumi.Input<string>;
  queue: Known<string>;
  /** `project/stack`. */
  owner: string;
  image: RunnableImage;
  /** Names of Secrets to pull it with. */
  pullSecrets: pulumi.Input<string>[];
  redis: RedisAccess;
  runAsUser: Known<number>;
  /** Labels of the Jobs alone. */
  jobLabels: Labels;
  /** Nodes that all of them need. */
  nodeSelector: Record<string, pulumi.Input<string>> | undefined;
  /** Code that a ConfigMap brings, where no image was built. */
  code: CodeParts | undefined;
  /** Resources that must exist before any of the Jobs, whose replacement does not replace a Job. */
  ready: pulumi.Resource[];
}

/** Properties of one Job. */
export interface JobArgs {
  /** Name of the Job; undefined: the provider makes one up. */
  name: string | undefined;
  /** Role of the Job, for labels. */
  component: string;
  /** Program of the image (worker/README.md), and options of Node.js for it. */
  program: string;
  nodeOptions?: string[];
  env: Known<EnvVar[]>;
  /** Time limit, ms. */
  deadlineMs: Known<number>;
  /** Grace period of its pods, ms. */
  graceMs?: Known<number>;
  /** Values whose change runs the Job again. */
  trigger: pulumi.Input<unknown>[];
  /** Resources that the Job comes after: it waits for them, and runs again when one of them is replaced. */
  follows: K8sObject[];
  /** Promise that must have resolved as well, before the Job is created. */
  gate?: Promise<void>;
  /** uid of the failed or cut-off Job that this one replaces, or empty (cluster/liveJobs.ts). */
  insteadOf: pulumi.Input<string>;
  podAnnotations?: Record<string, string>;
  /** The user's additions to the template. */
  customize?: (template: PodTemplate) => PodTemplate;
  /** Fields of the spec that somebody else may change. */
  ignoreChanges?: string[];
  ownerReferences?: k8s.types.input.meta.v1.OwnerReference[];
  spec?: Partial<JobSpec>;
  pod?: Partial<PodSpec>;
  container?: Partial<Container>;
  initContainers?: Container[];
  volumes?: k8s.types.input.core.v1.Volume[];
  volumeMounts?: k8s.types.input.core.v1.VolumeMount[];
}

/** A Job of the image, admitted by Pod Security `restricted`. */
export function makeJob(resource: string, defaults: JobDefaults, args: JobArgs): k8s.batch.v1.Job {
  const { namespace, redis } = defaults;
  const { name } = args;
  const metadata = {
    name,
    namespace,
    labels: { ...labels(defaults.name, args.component, defaults.labels), ...defaults.jobLabels },
  };
  const template = {
    metadata: {
      labels: { ...labels(defaults.name, args.component, defaults.labels), ...redis.labels, ...NO_MESH.labels },
      annotations: {
        ...NO_MESH.annotations,
        "kubectl.kubernetes.io/default-container": "c",
        "job-wq-2/image": defaults.image.id,
        ...args.podAnnotations,
      },
    },
    spec: podSpec(defaults, args),
  };
  return new k8s.batch.v1.Job(
    resource,
    {
      metadata: { ...metadata, annotations: annotations(args), ownerReferences: args.ownerReferences },
      spec: {
        activeDeadlineSeconds: seconds(args.deadlineMs),
        ...args.spec,
        template: args.customize ? args.customize(template) : template,
      },
    },
    { parent: defaults.parent, ...order(defaults, args) },
  );
}

/** Everything that orders a Job among others, from what it follows. */
function order(
  { ready }: JobDefaults,
  { follows, gate, trigger, insteadOf, ignoreChanges, graceMs = 30_000 }: JobArgs,
): pulumi.CustomResourceOptions {
  return {
    dependsOn: afterGate(gate, [...ready, ...follows]),
    // The name is fixed, so it must be free first. The provider knows, but triggers and replaceWith do not ask it.
    deleteBeforeReplace: true,
    ignoreChanges,
    // Both are needed: `replaceWith` deletes this Job before what it follows, and shows in previews; the trigger also
    // covers what was created anew, like a Pod that a refresh found gone.
    replaceWith: follows,
    replacementTrigger: [...trigger, insteadOf, ...follows.map(({ metadata }) => metadata.uid)],
    // Longer than the grace period of the pods. The engine takes no outputs here.
    customTimeouts: { delete: typeof graceMs === "number" ? `${Math.ceil(graceMs / 1000) + 600}s` : "24h" },
  };
}

async function afterGate(gate: Promise<void> | undefined, resources: pulumi.Resource[]): Promise<pulumi.Resource[]> {
  await gate;
  return resources;
}

/**
 * Annotations with which the provider does not wait: the program does (cluster/waitForJob.ts), since it can tell why a
 * Job does not start, and can be interrupted and run again.
 */
function annotations({ follows, insteadOf }: JobArgs): pulumi.Input<Record<string, string>> {
  return pulumi
    .all([pulumi.all(follows.map(({ metadata }) => metadata.uid)), insteadOf])
    .apply(([uids, instead]): Record<string, string> => {
      const all = { ...AT_ONCE, [FOLLOWS]: uids.join(" ") };
      return instead ? { ...all, [INSTEAD_OF]: instead } : all;
    });
}
