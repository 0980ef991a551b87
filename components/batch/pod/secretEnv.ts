// The Secret with the variables that a stack keeps encrypted.
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { labels } from "../../labels.ts";
import type { JobDefaults } from "../jobs/jobArgs.ts";

/** Creates it. */
export function makeSecretEnv(
  resource: string,
  { parent, name, names, namespace, labels: own }: JobDefaults,
  stringData: pulumi.Input<Record<string, pulumi.Input<string>>>,
): k8s.core.v1.Secret {
  return new k8s.core.v1.Secret(
    resource,
    { metadata: { name: names.env, namespace, labels: labels(name, "worker", own) }, stringData },
    { parent, deleteBeforeReplace: true },
  );
}
