import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** A variable of a container's environment. */
export type EnvVar = k8s.types.input.core.v1.EnvVar;

/** A resource in the cluster. */
export type K8sObject = pulumi.Resource & { metadata: pulumi.Output<{ uid: string }> };

/** A value that is known now, or an output. */
export type Known<T> = T | pulumi.Output<T>;

/** A watch of pods, look by look. */
export interface PodWatch {
  /** @returns A warning that was not given yet. @throws Error with a problem that only a person can solve. */
  look(): Promise<string | undefined>;
}

/** Items of a Batch, done and failed. */
export interface BatchCounts {
  total: number;
  done: number;
  /** Failed for good. */
  failed: number;
}
