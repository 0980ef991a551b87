/** Names as on the Kubernetes page, so that its commands work here. */
export const names = {
  redis: "redis",
  redisUrl: "redis-url",
  redisPod: "redis-master",
  worker: "job-wq-2",
  seed: "job-wq-2-seed",
  verdict: "job-wq-2-verdict",
} as const;

/** Labels of everything, and of the pods that Redis lets in. */
export function labels(part: string, queue: string): Record<string, string> {
  return {
    "app.kubernetes.io/name": "job-wq-2",
    "app.kubernetes.io/component": part,
    "app.kubernetes.io/managed-by": "pulumi",
    "job-wq-2/queue": queue.replaceAll(/[^\w.-]/g, "-").replaceAll(/^[^a-zA-Z0-9]+|[^a-zA-Z0-9]+$/g, "") || "queue",
  };
}

/** What picks Redis, and what picks those it lets in. */
export function selector(part: string, queue: string): Record<string, string> {
  const { "app.kubernetes.io/managed-by": _, ...rest } = labels(part, queue);
  return rest;
}
