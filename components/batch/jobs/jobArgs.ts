// Arguments of the Jobs of a Batch: those that they share, and those of each.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { CodeParts } from "../../image/initContainers.ts";
import type { RunnableImage } from "../../image/workerImage.ts";
import type { Labels } from "../../labels.ts";
import type { batchNames } from "../../objectNames.ts";
import type { RedisAccess } from "../../redis/reference.ts";
import type { EnvVar, K8sObject, Known } from "../../types.ts";

type JobSpec = k8s.types.input.batch.v1.JobSpec;
type PodSpec = k8s.types.input.core.v1.PodSpec;
type PodTemplate = k8s.types.input.core.v1.PodTemplateSpec;
type Container = k8s.types.input.core.v1.Container;

/** Values that all Jobs of a Batch share. */
export interface JobDefaults {
  /** The Batch: parent of its Jobs. */
  parent: pulumi.ComponentResource;
  /** Name of the worker Job. */
  name: string;
  /** Names of everything of the Batch. */
  names: ReturnType<typeof batchNames>;
  /** Labels of the user's own, on everything. */
  labels: Labels | undefined;
  namespace: pulumi.Output<string>;
  queue: string;
  /** `project/stack`. */
  owner: string;
  image: RunnableImage;
  /** Names of Secrets to pull it with. */
  pullSecrets: pulumi.Input<string>[];
  redis: RedisAccess;
  runAsUser: Known<number>;
  /** Labels of the Jobs alone. */
  jobLabels: Labels;
  /** Nodes that all of them need, and taints that all of them tolerate. */
  nodeSelector: Known<Labels>;
  tolerations: Known<unknown[]> | undefined;
  /** A patch of the pods that do no work. */
  auxPod: Known<Record<string, unknown>> | undefined;
  /** Code that a ConfigMap brings, if no image was built. */
  code: CodeParts | undefined;
  /** Resources that must exist before any of the Jobs. Their replacement replaces no Job. */
  ready: pulumi.Resource[];
}

/** Properties of the pods of one Job. */
export interface PodArgs {
  /** Role of the Job, for labels. */
  component: string;
  /** Program of the image (worker/README.md), and options of Node.js for it. */
  program: string;
  nodeOptions?: string[];
  /** Programs of the user run in it. */
  runsUserCode?: boolean;
  env: Known<EnvVar[]>;
  /** Grace period of its pods, ms. */
  graceMs?: Known<number>;
  podAnnotations?: Record<string, string>;
  /** The user's additions to the template. */
  customize?: (template: PodTemplate) => pulumi.Input<PodTemplate>;
  pod?: Partial<PodSpec>;
  container?: Partial<Container>;
  initContainers?: Container[];
  volumes?: k8s.types.input.core.v1.Volume[];
  volumeMounts?: k8s.types.input.core.v1.VolumeMount[];
}

/** Order of a Job among others: when it is created, and when anew. */
export interface JobOrder {
  /** Resources that it comes after: it waits for them, and runs again when one of them is replaced. */
  follows: K8sObject[];
  /** Promise that must have resolved as well, before it is created. */
  gate: Promise<void>;
  /** uid of the failed or cut-off Job that this one replaces, or empty (cluster/liveJobs.ts). */
  insteadOf: pulumi.Input<string>;
  /** Mark that asks for a wait until it ends (keptVerdict.ts); absent if nobody waits. */
  awaited?: pulumi.Input<string>;
}

/** Properties of one Job. */
export interface JobArgs extends PodArgs {
  /** Name of the Job; undefined: the provider makes one up. */
  name: string | undefined;
  /** Time limit, ms. */
  deadlineMs: Known<number>;
  /** Values whose change runs the Job again. */
  trigger: pulumi.Input<unknown>[];
  order: JobOrder;
  /** Fields of the spec that somebody else may change. */
  ignoreChanges?: string[];
  ownerReferences?: k8s.types.input.meta.v1.OwnerReference[];
  spec?: Partial<JobSpec>;
}
