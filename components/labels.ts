// Labels and annotations of everything that is created, and of the pods that a Redis lets in.
import { createHash } from "node:crypto";
import type * as pulumi from "@pulumi/pulumi";
import { APP, COMPONENT } from "../kube/ownLabels.ts";

/** Labels, whose values may be outputs. */
export type Labels = Record<string, pulumi.Input<string>>;

/** Label of pods that may connect to a Redis; its value names the Redis. */
export const CLIENT_LABEL = "job-wq-2/redis";

/** The value of that label; Kubernetes takes at most 63 characters. */
export function clientValue(namespace: string, service: string): string {
  const value = `${namespace}.${service}`;
  if (value.length <= 63) return value;
  return `${value.slice(0, 46)}-${createHash("sha256").update(value).digest("hex").slice(0, 16)}`;
}

/** Keeps service meshes out of a pod, since a sidecar that never ends would keep a Job from ending. */
export const NO_MESH = {
  labels: { "sidecar.istio.io/inject": "false" },
  annotations: { "linkerd.io/inject": "disabled" },
};

/** Keeps autoscalers from evicting a pod that nothing creates again. */
export const DO_NOT_DISRUPT = {
  "karpenter.sh/do-not-disrupt": "true",
  "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
};

/** Labels that select all resources of a Redis or Batch: those that never change. @param instance Its name. */
export const instanceSelector = (instance: string): Record<string, string> => ({
  ...APP,
  "app.kubernetes.io/instance": instance,
});

/** Labels as a selector of a request to the API server: `a=1,b=2`. */
export const selectorText = (labels: Record<string, string>): string =>
  Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(",");

/** Labels that select those of one role. @param component Role: `redis`, `worker`, `seed` … */
export const selector = (instance: string, component: string): Record<string, string> => ({
  ...instanceSelector(instance),
  [COMPONENT]: component,
});

/** Labels of a resource: the user's, overridden by this project's. */
export function labels(instance: string, component: string, own: Labels = {}): Labels {
  return { ...own, ...selector(instance, component), "app.kubernetes.io/managed-by": "pulumi" };
}

/** A short digest of values, for an annotation that shows when they change. */
export const digestOf = (values: unknown): string =>
  createHash("sha256").update(JSON.stringify(values)).digest("hex").slice(0, 16);
