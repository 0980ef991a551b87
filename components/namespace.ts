import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/** All our pods keep to this level, and a namespace that we create holds no other pods. */
const LABELS = { "pod-security.kubernetes.io/enforce": "restricted" };

/** The namespace of `createNamespace`. @returns Its name, known when it is created. */
export function makeNamespace(
  resource: string,
  name: pulumi.Input<string>,
  parent: pulumi.Resource,
): pulumi.Output<string> {
  return new k8s.core.v1.Namespace(resource, { metadata: { name, labels: LABELS } }, { parent }).metadata.name;
}
