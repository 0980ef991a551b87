// The address of a Redis that this program does not run, as a Secret in a namespace.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Labels } from "../labels.ts";
import { makeSecret } from "../secret.ts";
import type { RedisAccess, RedisReference } from "./reference.ts";

/** A Redis that this program does not run. */
export interface RedisAddressArgs {
  name: string;
  namespace: pulumi.Input<string>;
  labels: Labels;
  reference: pulumi.Output<RedisReference>;
}

const CA_DIR = "/redis-ca";

/** Creates the Secret. Replacing it means another Redis, so Jobs follow it. */
export function makeRedisAddress(
  resource: string,
  { name, namespace, labels, reference }: RedisAddressArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Secret {
  const texts = reference.apply(({ url, storageId, location: { ca } }): Record<string, string> => {
    return { url, storage: storageId, ...(ca !== undefined && { ca, "ca-file": `${CA_DIR}/ca` }) };
  });
  return makeSecret(resource, { name, namespace, labels }, texts, opts);
}

/** Creates the Secret for pods of another namespace. @returns Settings by which these reach this Redis. */
export function accessFromElsewhere(
  resource: string,
  { reference, access }: { reference: pulumi.Output<RedisReference>; access: RedisAccess },
  metadata: Omit<RedisAddressArgs, "reference">,
  opts: pulumi.CustomResourceOptions,
): RedisAccess {
  const address = { ...metadata, reference };
  makeRedisAddress(resource, address, opts);
  return { ...addressAccess(address), labels: access.labels };
}

/**
 * Parts of a pod in the same namespace that lead it to this Redis. A preview may not know yet if there is a
 * certificate. So the Secret decides: Kubernetes leaves out what it lacks.
 */
export function addressAccess({ name, reference }: RedisAddressArgs): Omit<RedisAccess, "labels"> {
  const optional = true;
  return {
    env: [
      { name: "WQ_REDIS_URL", valueFrom: { secretKeyRef: { name, key: "url" } } },
      // Used if the name does not resolve.
      { name: "WQ_REDIS_HOST", value: reference.apply(({ host }) => host ?? "") },
      { name: "NODE_EXTRA_CA_CERTS", valueFrom: { secretKeyRef: { name, key: "ca-file", optional } } },
    ],
    volumes: [{ name: "redis-ca", secret: { secretName: name, optional, items: [{ key: "ca", path: "ca" }] } }],
    volumeMounts: [{ name: "redis-ca", mountPath: CA_DIR, readOnly: true }],
  };
}
