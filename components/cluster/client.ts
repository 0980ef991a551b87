// The program's own connection to the cluster: to wait, and to tell why something does not start.
import type { BatchV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { loadClient } from "../../kube/kubernetesClient.ts";
import type { K8sObject } from "../types.ts";

/** The API groups that are asked. */
export interface Cluster {
  config: KubeConfig;
  batch: BatchV1Api;
  core: CoreV1Api;
}

/**
 * Connects to the cluster that a component's resources are in.
 * @returns Undefined where there is no usable kubeconfig: the provider says so in its own words.
 */
export async function connectCluster(component: pulumi.ComponentResource): Promise<Cluster | undefined> {
  const { kubeconfig, context } = await providerSettings(component);
  try {
    // Loaded late: the client is large.
    const { kubeconfigOf } = await import("../../kube/kubeconfig.ts");
    const { BatchV1Api, CoreV1Api } = await loadClient();
    const config = kubeconfigOf({ kubeconfig, context });
    return { config, batch: config.makeApiClient(BatchV1Api), core: config.makeApiClient(CoreV1Api) };
  } catch {
    return undefined;
  }
}

/**
 * Annotation with which the provider does not wait for a resource to be ready, but does wait until a deleted one is
 * gone, unlike with `skipAwait`.
 */
export const AT_ONCE = { "pulumi.com/waitFor": "jsonpath={.metadata.uid}" };

/** The settings of the Kubernetes provider that a component's resources have. */
async function providerSettings(component: pulumi.ComponentResource) {
  const explicit = component.getProvider("kubernetes:core/v1:Pod") as unknown;
  const config = new pulumi.Config("kubernetes");
  const { kubeconfig, context } = (explicit ?? {
    kubeconfig: config.getSecret("kubeconfig"),
    context: config.get("context"),
  }) as Record<string, pulumi.Input<string> | undefined>;
  return { kubeconfig: await settled(kubeconfig), context: await settled(context) };
}

/** Resolves with the value of an input once it is known; never, where it stays unknown, as in a preview. */
export function settled<T>(value: pulumi.Input<T>): Promise<T> {
  return new Promise((resolve) => pulumi.output(value).apply((known) => resolve(known as T)));
}

/** The value of an output; undefined where it stays unknown, as in a preview. */
export async function known<T>(output: pulumi.Output<T>): Promise<T | undefined> {
  // The SDK has it, and does not declare it.
  const { isKnown } = output as unknown as { isKnown: Promise<boolean> };
  return (await isKnown) ? settled<T>(output) : undefined;
}

/**
 * The uid of an object. In a preview the provider does not ask the API server for an object whose properties are not
 * all known: its uid is absent then, which the SDK takes for known.
 */
export function uidOf({ metadata }: K8sObject): pulumi.Output<string> {
  return metadata.apply(({ uid }: { uid?: string }) => uid ?? (pulumi.unknown as string));
}

/** Whether the API server denies access, as opposed to failing to answer. */
export function isForbidden(error: unknown): boolean {
  return [401, 403].includes((error as { code?: number }).code ?? 0);
}
