import type { ProviderSettings } from "../../kube/kubeconfig.ts";
import { COMPONENT, OWNER } from "../../kube/ownLabels.ts";
import { AbsentError, UserError } from "../errors.ts";
import type { StackState, StateResource } from "./stackExport.ts";

/** Settings of the Kubernetes provider: which cluster. */
export type ClusterSettings = ProviderSettings;

/** Place of a Redis. */
export interface RedisLocation {
  cluster: ClusterSettings;
  namespace: string;
  /** The Pod it runs in; absent if it is one of the user's own. */
  pod?: string;
  /** The Secret with its `password`; absent without one. */
  passwordSecret?: string;
  /** URL of a Redis of the user's own. */
  url?: string;
  /** Certificate of a private authority, as PEM. */
  ca?: string;
  /** Jobs whose pods can reach it, used if this machine cannot; the best first. */
  relay?: { namespace: string; jobs: string[] };
}

/** Place of a batch. */
export interface BatchLocation {
  name: string;
  namespace: string;
  queue: string;
  /** Name of the worker Job; absent without workers. */
  workerJob?: string;
  /** That Job in the stack's state. */
  workerUrn?: string;
  /** Owner of its queue, `project/stack`; absent while it has no Job. */
  owner?: string;
  redis: RedisLocation;
  cluster: ClusterSettings;
}

const BATCH = "job-wq-2:index:Batch";
const REDIS = "job-wq-2:index:Redis";
export const JOB = "kubernetes:batch/v1:Job";
const PROVIDER = "pulumi:providers:kubernetes";

/** The metadata of a Kubernetes resource. */
export function metadata(resource: Record<string, unknown> | undefined): {
  name?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
} {
  return resource?.metadata ?? {};
}

/** True if a resource is below the component, at any depth. */
function isWithin(resource: StateResource, component: string, byUrn: Map<string, StateResource>): boolean {
  for (let { parent } = resource; parent !== undefined; parent = byUrn.get(parent)?.parent) {
    if (parent === component) return true;
  }
  return false;
}

/**
 * Settings of the Kubernetes provider that the component's children use; of the stack's only one, while there are
 * none yet.
 */
function clusterOf(component: StateResource, { resources }: StackState): ClusterSettings {
  const byUrn = new Map(resources.map((resource) => [resource.urn, resource]));
  const providers = new Map(
    resources.filter(({ type }) => type === PROVIDER).map((provider) => [`${provider.urn}::${provider.id}`, provider]),
  );
  const child = resources.find((resource) => {
    const { provider } = resource;
    return provider !== undefined && providers.has(provider) && isWithin(resource, component.urn, byUrn);
  });
  const only = providers.size === 1 ? [...providers.values()][0] : undefined;
  const provider = child ? providers.get(child.provider!) : only;
  const inputs = provider?.inputs ?? {};
  const keys = ["kubeconfig", "context", "cluster"] as const satisfies (keyof ClusterSettings)[];
  return Object.fromEntries(keys.flatMap((key) => (inputs[key] ? [[key, inputs[key]]] : [])));
}

type RedisOutputs = Omit<RedisLocation, "cluster">;

/** The batches in a stack's state: those whose component has registered its outputs. */
export function findBatches(state: StackState): BatchLocation[] {
  const byUrn = new Map(state.resources.map((resource) => [resource.urn, resource]));
  return state.resources.flatMap((component) => {
    const outputs = component.outputs as
      (Omit<BatchLocation, "cluster" | "redis"> & { redis?: RedisOutputs }) | undefined;
    if (component.type !== BATCH || !outputs?.queue || !outputs.redis) return [];
    const { name, namespace, queue, workerJob, redis } = outputs;
    const cluster = clusterOf(component, state);
    const jobs = state.resources.filter((job) => job.type === JOB && isWithin(job, component.urn, byUrn));
    const supervisor = jobs.find(({ inputs }) => metadata(inputs).labels?.[COMPONENT] === "supervisor");
    const relayJobs = [metadata(supervisor?.outputs).name, workerJob].filter((job) => job !== undefined);
    const workers = jobs.find(({ inputs }) => workerJob !== undefined && metadata(inputs).name === workerJob);
    return [
      {
        name,
        namespace,
        queue,
        workerJob,
        workerUrn: workers?.urn,
        owner: jobs.map(({ inputs }) => metadata(inputs).annotations?.[OWNER]).find(Boolean),
        redis: { ...redis, cluster, relay: { namespace, jobs: relayJobs } },
        cluster,
      },
    ];
  });
}

/** The Redis servers of a stack, also of one without batches. */
export function findRedis(state: StackState): RedisLocation[] {
  const own = state.resources.flatMap((component) => {
    const { location } = (component.outputs ?? {}) as { location?: RedisOutputs };
    return component.type === REDIS && location ? [{ ...location, cluster: clusterOf(component, state) }] : [];
  });
  const all = [...own, ...findBatches(state).map(({ redis }) => redis)];
  const key = ({ url, cluster, namespace, pod }: RedisLocation) => url ?? JSON.stringify([cluster, namespace, pod]);
  return [...new Map(all.map((redis) => [key(redis), redis])).values()];
}

/** The batch that is asked for by name, or the only one. @throws UserError of one line that lists them. */
export function pickBatch(batches: BatchLocation[], name: string | undefined, stack: string): BatchLocation {
  const names = batches.map((batch) => batch.name).join(", ");
  if (name !== undefined) {
    const found = batches.find((batch) => batch.name === name);
    if (found) return found;
    throw new UserError(`${stack} has no batch ${name}; it has ${names || "none"}`);
  }
  const [only, ...more] = batches;
  if (!only) throw new AbsentError(`${stack} has no batch yet: run \`pulumi up\``);
  if (more.length > 0) throw new UserError(`${stack} has several batches: choose one with --batch NAME (${names})`);
  return only;
}
