// A Redis that this program does not run: by its URL, or by the reference that another program exports.
import * as pulumi from "@pulumi/pulumi";
import { CLIENT_LABEL, clientValue, labels } from "../labels.ts";
import { redisNames } from "../objectNames.ts";
import type { RedisBackend, RedisObjects, RedisReference } from "./reference.ts";
import { addressAccess, makeRedisAddress } from "./redisAddress.ts";

/** One of the user's own. @param ca Certificate of a private authority, PEM. */
export function redisByUrl(
  parent: pulumi.ComponentResource,
  name: string,
  objects: RedisObjects,
  { url, ca }: { url: pulumi.Input<string>; ca: pulumi.Input<string> | undefined },
): RedisBackend {
  const { service } = objects;
  const reference = pulumi.all([objects.namespace, url, ca ?? ""]).apply(([namespace, url, ca]) => {
    const location = ca ? { namespace, url, ca } : { namespace, url };
    return { id: clientValue(namespace, service), url, storageId: url, location };
  });
  const id = objects.namespace.apply((known) => clientValue(known, service));
  return existing(parent, name, objects, pulumi.secret(reference), id);
}

/** A Redis that another program runs. */
export function redisByReference(
  parent: pulumi.ComponentResource,
  name: string,
  objects: RedisObjects,
  from: pulumi.Input<RedisReference>,
): RedisBackend {
  const reference = pulumi.secret(pulumi.output(from));
  return existing(parent, name, objects, reference, pulumi.unsecret(reference.id));
}

/** Creates the Secret with its address, and nothing else. */
function existing(
  parent: pulumi.ComponentResource,
  name: string,
  { service, namespace, labels: own }: RedisObjects,
  reference: pulumi.Output<RedisReference>,
  id: pulumi.Output<string>,
): RedisBackend {
  const { address } = redisNames(service);
  const args = { name: address, namespace, labels: labels(service, "redis", own), reference };
  const secret = makeRedisAddress(`${name}-url`, args, { parent });
  return {
    storage: secret,
    first: secret,
    podName: undefined,
    reference,
    access: { ...addressAccess(args), labels: { [CLIENT_LABEL]: id } },
    ready: Promise.resolve(),
  };
}
