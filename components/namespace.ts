import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** All pods of ours keep to it, and nobody else is in a namespace that we made. */
const LABELS = { "pod-security.kubernetes.io/enforce": "restricted" };

/** The namespace of `createNamespace`. @returns Its name, known when it is created. */
export function makeNamespace(
  resource: string,
  name: pulumi.Input<string>,
  parent: pulumi.Resource,
): pulumi.Output<string> {
  return new k8s.core.v1.Namespace(resource, { metadata: { name, labels: LABELS } }, { parent }).metadata.name;
}
