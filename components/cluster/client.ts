// The program's own connection to the cluster: to wait, and to tell why something does not start.
import type { BatchV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import * as pulumi from "@pulumi/pulumi";
import { loadClient } from "../../kube/kubernetesClient.ts";
import { isMocked } from "../program.ts";
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
  if (isMocked()) return undefined;
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

/** Annotation with which an `up` asks for a wait (batch/keptVerdict.ts). */
export const AWAITED = "job-wq-2/awaited";

/** The settings of the Kubernetes provider that a component's resources have. */
async function providerSettings(component: pulumi.ComponentResource) {
  const explicit = component.getProvider("kubernetes:core/v1:Pod") as unknown;
  const config = new pulumi.Config("kubernetes");
  const { kubeconfig, context } = (explicit ?? {
    kubeconfig: config.getSecret("kubeconfig"),
    context: config.get("context"),
  }) as Record<string, pulumi.Input<string> | undefined>;
  return { kubeconfig: await known(kubeconfig), context: await known(context) };
}

/**
 * The value of an input; undefined where it stays unknown: in a preview, and of a resource that the engine passes over.
 * Rejects with the reason why a resource could not be registered.
 */
export async function known<T>(input: pulumi.Input<T>): Promise<T | undefined> {
  // The SDK has it, and does not declare it.
  const output = pulumi.output(input) as unknown as { promise(withUnknowns: boolean): Promise<T> };
  const value = await output.promise(true);
  return pulumi.containsUnknowns(value) ? undefined : value;
}

/**
 * The uid of an object. Where the provider did not ask the API server (in a preview, of an object whose properties are
 * not all known) or the engine passed it over, it is absent, which the SDK takes for known.
 */
export function uidOf({ metadata }: K8sObject): pulumi.Output<string> {
  return metadata.apply((given?: { uid?: string }) => given?.uid ?? (pulumi.unknown as string));
}

/** Whether the API server denies access, as opposed to failing to answer. */
export function isForbidden(error: unknown): boolean {
  return [401, 403].includes((error as { code?: number }).code ?? 0);
}
