// The address of a Redis that this program does not run, as a Secret in a namespace.
import type * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import type { Labels } from "../labels.ts";
import { makeSecret } from "../secret.ts";
import type { EnvVar } from "../types.ts";
import type { RedisAccess } from "./reference.ts";

/** A Redis that this program does not run. */
export interface RedisAddressArgs {
  name: string;
  namespace: pulumi.Input<string>;
  labels: Labels;
  /** Address, with the password. */
  url: pulumi.Input<string>;
  /** Certificate of a private authority, PEM. */
  ca?: pulumi.Input<string>;
  /** Address of its Service, used where its name does not resolve. */
  host?: pulumi.Input<string>;
  /** Identity of the data: changes when Redis is replaced and starts empty. */
  storageId?: pulumi.Input<string>;
}

const CA_DIR = "/redis-ca";

/** Creates the Secret. Replacing it means another Redis, so Jobs follow it. */
export function makeRedisAddress(
  resource: string,
  { name, namespace, labels, url, ca, storageId }: RedisAddressArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Secret {
  const texts: Record<string, pulumi.Input<string>> = { url };
  if (ca !== undefined) texts.ca = ca;
  if (storageId !== undefined) texts.storage = storageId;
  return makeSecret(resource, { name, namespace, labels }, texts, opts);
}

/** Parts of a pod in the same namespace that lead it to this Redis. */
export function addressAccess({ name, ca, host }: RedisAddressArgs): Omit<RedisAccess, "labels"> {
  const env: EnvVar[] = [{ name: "WQ_REDIS_URL", valueFrom: { secretKeyRef: { name, key: "url" } } }];
  if (host !== undefined) env.push({ name: "WQ_REDIS_HOST", value: host });
  if (ca === undefined) return { env };
  env.push({ name: "NODE_EXTRA_CA_CERTS", value: `${CA_DIR}/ca` });
  return {
    env,
    volumes: [{ name: "redis-ca", secret: { secretName: name, items: [{ key: "ca", path: "ca" }] } }],
    volumeMounts: [{ name: "redis-ca", mountPath: CA_DIR, readOnly: true }],
  };
}
