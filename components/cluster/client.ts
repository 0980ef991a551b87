// The program's own connection to the cluster: to wait, and to tell why something does not start.
import type { BatchV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { ProviderSettings } from "../../kube/kubeconfig.ts";
import { loadClient } from "../../kube/kubernetesClient.ts";
import { isMocked, program } from "../engine.ts";
import type { K8sObject } from "../types.ts";

/** The API groups that are asked. */
export interface Cluster {
  config: KubeConfig;
  batch: BatchV1Api;
  core: CoreV1Api;
  /** The namespace of what names none. */
  namespace: string;
  /** Reads the credentials anew: those of a kubeconfig may have run out. */
  renew(): Promise<void>;
}

/** Type of a resource that the Kubernetes provider makes. */
export const POD = "kubernetes:core/v1:Pod";
/** Connections by provider; by program if that is the stack's own. */
const connections = new WeakMap<object, Promise<Cluster | undefined>>();

/**
 * Connects to the cluster that a component's provider talks to, once for a program: a kubeconfig may start another
 * program for its credentials.
 * @returns Undefined if that cluster is not there yet, and if there is no usable kubeconfig: the provider says so
 * in its own words.
 */
export async function connectCluster(component: pulumi.ComponentResource): Promise<Cluster | undefined> {
  if (isMocked()) return undefined;
  const key = component.getProvider(POD) ?? program();
  const connection = connections.get(key) ?? connect(component);
  connections.set(key, connection);
  const cluster = await connection;
  if (!cluster) connections.delete(key);
  return cluster;
}

async function connect(component: pulumi.ComponentResource): Promise<Cluster | undefined> {
  const settings = await providerSettings(component);
  if (!settings) return undefined;
  // Loaded late: the client is large.
  const { kubeconfigOf, namespaceOf } = await import("../../kube/kubeconfig.ts");
  const { BatchV1Api, CoreV1Api } = await loadClient();
  const read = async () => {
    const config = kubeconfigOf(settings);
    // Many calls at once would each start that program. If it fails, the calls report that.
    await config.applyToHTTPSOptions({}).catch(() => {});
    return {
      config,
      batch: config.makeApiClient(BatchV1Api),
      core: config.makeApiClient(CoreV1Api),
      namespace: namespaceOf(config),
    };
  };
  try {
    const cluster: Cluster = { ...(await read()), renew: async () => void Object.assign(cluster, await read()) };
    return cluster;
  } catch {
    return undefined;
  }
}

/** The namespace of a component's resources that name none. */
export function defaultNamespace(component: pulumi.ComponentResource): pulumi.Output<string> {
  const find = async () => {
    const given = await givenToProvider(component);
    if (typeof given.namespace === "string") return given.namespace;
    if (isUnknown(given)) return pulumi.unknown as string;
    return (await connectCluster(component))?.namespace ?? "default";
  };
  return pulumi.output(find());
}

/** Annotation that tells the provider when a resource is ready. */
export const WAIT_FOR = "pulumi.com/waitFor";

/**
 * Its value with which the provider waits for nothing, but does wait until a deleted resource is gone, unlike with
 * `skipAwait`.
 */
export const AT_ONCE = "jsonpath={.metadata.uid}";

/**
 * The value for an update of annotations: the provider waits until this annotation has the new value. Otherwise it may
 * take an older state of the resource for the new one.
 */
export const onceAnnotated = (annotation: string, value: string): string =>
  `jsonpath={.metadata.annotations['${annotation}']}=${value}`;

/** Annotation with which an `up` asks for a wait (batch/keptVerdict.ts). */
export const AWAITED = "job-wq-2/awaited";

/** The settings of the Kubernetes provider that a component's resources have; undefined while they are not known. */
async function providerSettings(component: pulumi.ComponentResource): Promise<ProviderSettings | undefined> {
  const settings = await givenToProvider(component);
  return isUnknown(settings) ? undefined : settings;
}

const isUnknown = (settings: ProviderSettings) =>
  Object.values(settings).some((value) => pulumi.containsUnknowns(value));

/** True if the provider of a component's resources writes them into files, and not to a cluster. */
export async function rendersYaml(component: pulumi.ComponentResource): Promise<boolean> {
  return Boolean(await argument(component, "renderYamlToDirectory"));
}

/** Arguments of the provider; an unknown value is Pulumi's sentinel. */
async function givenToProvider(component: pulumi.ComponentResource): Promise<ProviderSettings> {
  const names = ["kubeconfig", "context", "cluster", "namespace"] as const;
  const values = await Promise.all(names.map(async (name) => [name, await argument(component, name)] as const));
  return Object.fromEntries(values);
}

/** An argument of the provider that a component's resources have, by itself or by the stack's config. */
async function argument(component: pulumi.ComponentResource, name: string): Promise<string | undefined> {
  const explicit = component.getProvider(POD);
  const config = new pulumi.Config("kubernetes");
  const given = explicit
    ? ((await withProperties(explicit)) as unknown as Record<string, unknown>)[name]
    : name === "kubeconfig"
      ? config.getSecret(name)
      : config.get(name);
  return raw(given as pulumi.Input<string | undefined>);
}

/** A provider with its properties. If the program is in another language, a component has only its URN. */
async function withProperties(provider: pulumi.ProviderResource): Promise<pulumi.ProviderResource> {
  if ("kubeconfig" in provider) return provider;
  return new k8s.Provider("given", {}, { urn: await raw(provider.urn) });
}

/** The value of an input, with a sentinel for what is unknown; undefined for what a provider was not given. */
function raw<T>(input: pulumi.Input<T>): Promise<T> {
  // An output is not wrapped in another one: then a value that was not given would count as unknown in a preview.
  const output = pulumi.Output.isInstance(input) ? input : pulumi.output(input);
  // The SDK has this property, but does not declare it.
  return (output as unknown as { promise(withUnknowns: boolean): Promise<T> }).promise(true);
}

/**
 * The value of an input; undefined if it stays unknown: in a preview, and of a resource that the engine passes over.
 * Rejects with the reason why a resource could not be registered.
 */
export async function known<T>(input: pulumi.Input<T>): Promise<T | undefined> {
  const value = await raw(input);
  return pulumi.containsUnknowns(value) ? undefined : value;
}

/**
 * Stands for a property that the provider left out, which the SDK takes for known. Then the API server was not asked
 * (in a preview, if properties of the object are unknown), or the engine passed over the object. Mocks may lack the
 * property.
 */
const leftOut = () => (isMocked() && !pulumi.runtime.isDryRun() ? "" : (pulumi.unknown as string));

/** The uid of an object. */
export function uidOf({ metadata }: K8sObject): pulumi.Output<string> {
  return metadata.apply((given?: { uid?: string }) => given?.uid ?? leftOut());
}

/** The address of a Service in the cluster. */
export function addressOf({ spec }: k8s.core.v1.Service): pulumi.Output<string> {
  return spec.apply((given?: { clusterIP?: string }) => given?.clusterIP ?? leftOut());
}

/** The code of an answer of the API server; undefined if there was none. */
export const codeOf = (error: unknown): number | undefined => (error as { code?: number }).code;

/** True if the API server denies access, as opposed to failing to answer or no longer knowing who asks. */
export const isForbidden = (error: unknown): boolean => codeOf(error) === 403;
