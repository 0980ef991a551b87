// The names of all objects in the cluster. The names of the parts derive from that of the Redis or the Batch.
import { digestOf } from "./labels.ts";

/** Names of the objects of a Redis. */
export const redisNames = (service: string) => ({
  /** Also of the policy, of the Secret with the password, and the value of their labels. */
  service,
  /** The Pod, as on the Kubernetes page, or the StatefulSet. */
  server: `${service}-master`,
  podOfSet: `${service}-master-0`,
  /** The Secret with the address of a Redis that runs elsewhere. */
  address: `${service}-url`,
});

/** Names of the objects of a Batch. The provider makes one up for the supervisor Job. */
export const batchNames = (workers: string) => ({
  /** The worker Job. */
  workers,
  seed: `${workers}-seed`,
  items: `${workers}-items`,
  code: (digest: string) => `${workers}-code-${digest}`,
  /** The Secret with `secretEnv`. */
  env: `${workers}-env`,
  notify: `${workers}-notify`,
  /** The Secret with which the image is pulled. */
  login: `${workers}-registry`,
  /** The Secret with the address of a Redis in another namespace. */
  redis: `${workers}-redis-address`,
  policy: `${workers}-pods`,
  /** The supervisor's ServiceAccount, Role and binding; its Job, if the stack's config forbids made-up names. */
  supervisor: `${workers}-supervisor`,
  verdict: `${workers}-verdict`,
});

/** Characters that the provider adds to a logical name. */
const MADE_UP = "-0123abcd".length;

/**
 * Logical name of a supervisor Job, from which the provider makes its name. If Kubernetes would refuse a name made from
 * the component's, the name of the worker Job is used; the result is unique all the same.
 */
export function nameableAs(resource: string, workers: string): string {
  if (/^[a-z0-9][-a-z0-9]*$/.test(resource) && resource.length + MADE_UP <= 63) return resource;
  return `${workers.slice(0, 34)}-${digestOf(resource).slice(0, 8)}-supervisor`;
}
