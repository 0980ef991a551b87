// A Redis that this program does not run: by its URL, or by the reference that another program exports.
import * as pulumi from "@pulumi/pulumi";
import { CLIENT_LABEL, clientValue, labels, type Labels } from "../labels.ts";
import { redisNames } from "../names.ts";
import type { RedisBackend, RedisReference } from "./reference.ts";
import { addressAccess, makeRedisAddress } from "./redisAddress.ts";

/** Arguments of {@link redisByUrl} and {@link redisByReference}. */
interface Place {
  /** Name of the component's objects. */
  service: string;
  namespace: pulumi.Output<string>;
  labels: Labels | undefined;
}

/** One of the user's own. @param ca Certificate of a private authority, PEM. */
export function redisByUrl(
  parent: pulumi.ComponentResource,
  name: string,
  place: Place,
  { url, ca }: { url: pulumi.Input<string>; ca: pulumi.Input<string> | undefined },
): RedisBackend {
  const { service } = place;
  const reference = pulumi.all([place.namespace, url, ca ?? ""]).apply(([namespace, url, ca]) => {
    const location = ca ? { namespace, url, ca } : { namespace, url };
    return { id: clientValue(namespace, service), url, storageId: url, location };
  });
  const id = place.namespace.apply((known) => clientValue(known, service));
  return existing(parent, name, place, pulumi.secret(reference), id);
}

/** A Redis that another program runs. */
export function redisByReference(
  parent: pulumi.ComponentResource,
  name: string,
  place: Place,
  from: pulumi.Input<RedisReference>,
): RedisBackend {
  const reference = pulumi.secret(pulumi.output(from));
  return existing(parent, name, place, reference, pulumi.unsecret(reference.id));
}

/** Creates the Secret with its address, and nothing else. */
function existing(
  parent: pulumi.ComponentResource,
  name: string,
  { service, namespace, labels: own }: Place,
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
