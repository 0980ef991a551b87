import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** A variable of a container's environment. */
export type EnvVar = k8s.types.input.core.v1.EnvVar;

/** A resource that is in the cluster. */
export type Made = pulumi.Resource & { metadata: pulumi.Output<{ uid: string }> };
