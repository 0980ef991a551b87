// Labels of everything that is created, and of the pods that a Redis lets in.
/** Labels of a resource. @param instance Name of the Redis or the Batch it belongs to. @param component Its role: `redis`, `worker`, `seed` … */
export function labels(instance: string, component: string): Record<string, string> {
  return {
    "app.kubernetes.io/name": "job-wq-2",
    "app.kubernetes.io/instance": instance,
    "app.kubernetes.io/component": component,
    "app.kubernetes.io/managed-by": "pulumi",
  };
}

/** The labels of {@link labels} that select pods: those that never change. */
export function selector(instance: string, component: string): Record<string, string> {
  const { "app.kubernetes.io/managed-by": _, ...rest } = labels(instance, component);
  return rest;
}

/** Label of pods that may connect to a Redis; its value names the Redis. */
export const CLIENT_LABEL = "job-wq-2/redis";
