// A Redis that this program runs: Pod or StatefulSet, Service, password, and who may connect.
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { REDIS_PORT } from "../../config/ports.ts";
import { addressOf, uidOf } from "../cluster/client.ts";
import { redisWatch } from "../cluster/waitForRedis.ts";
import { waitForServiceAccount } from "../cluster/waitForServiceAccount.ts";
import { isPreview } from "../engine.ts";
import { CLIENT_LABEL, clientValue, DO_NOT_DISRUPT, labels, NO_MESH, selector } from "../labels.ts";
import { redisNames } from "../objectNames.ts";
import { strategicMerge } from "../podPatch.ts";
import type { K8sObject, Known } from "../types.ts";
import type { RedisBackend, RedisObjects } from "./reference.ts";
import { redisPodSpec } from "./redisPodSpec.ts";
import { makeRedisPassword, passwordIn, passwordVariable } from "./redisPassword.ts";
import { podOf, untilReady } from "./redisPod.ts";
import { makeRedisPolicy } from "./redisPolicy.ts";
import { makeRedisPod, makeRedisStatefulSet } from "./redisStorage.ts";

type PodTemplate = k8s.types.input.core.v1.PodTemplateSpec;

/** Arguments of {@link redisServer}. */
export interface RedisServerArgs extends RedisObjects {
  image: Known<string>;
  /** Memory limit, as a Kubernetes quantity and in bytes. */
  memory: pulumi.Input<string>;
  memoryBytes: Known<number>;
  /** True if it has a generated password. */
  auth: boolean;
  /** Size of a volume claim; absent: the data goes with the Pod. */
  storage: pulumi.Input<string> | undefined;
  /** A patch of the pod template. */
  pod: Record<string, unknown> | undefined;
}

/** Creates it. */
export function redisServer(parent: pulumi.ComponentResource, name: string, args: RedisServerArgs): RedisBackend {
  const { service, namespace, auth, storage } = args;
  const child = { parent };
  const metadata = { name: service, namespace, labels: labels(service, "redis", args.labels) };
  const policy = makeRedisPolicy(`${name}-policy`, { metadata, service, namespace, auth }, child);
  const password = auth ? makeRedisPassword(`${name}-password`, metadata, child) : undefined;
  const data = makeStorage(parent, `${name}-pod`, args, password ? [policy, password] : [policy]);
  const pod = isPreview() ? Promise.resolve(undefined) : podOf(parent, service, namespace, podLabels(args), data);
  const ready = untilReady(parent, pod);
  ready.catch(() => {}); // the Service, which waits for it, reports it
  // Created last, so that resources that depend on the Redis find it ready.
  const dependsOn = ready.then(() => [data]);
  const host = addressOf(makeService(`${name}-service`, metadata, args, { ...child, dependsOn }));
  const names = redisNames(service);
  const podName = storage === undefined ? names.server : names.podOfSet;
  const reference = pulumi
    .all([namespace, passwordIn(password), host, uidOf(data)])
    .apply(([namespace, password, host, uid]) => ({
      id: clientValue(namespace, service),
      url: `redis://${password && `:${password}@`}${service}.${namespace}:${REDIS_PORT}`,
      host,
      storageId: uid,
      stack: pulumi.getStack(),
      location: { namespace, pod: podName, ...(auth && { passwordSecret: service }) },
    }));
  return {
    storage: data,
    first: policy,
    podName,
    reference: pulumi.secret(reference),
    access: {
      env: [
        { name: "WQ_REDIS_URL", value: `redis://${service}:${REDIS_PORT}` },
        // Used if the name does not resolve, as in a cluster without DNS.
        { name: "WQ_REDIS_HOST", value: host },
        ...(auth ? [passwordVariable("WQ_REDIS_PASSWORD", service)] : []),
      ],
      labels: { [CLIENT_LABEL]: namespace.apply((known) => clientValue(known, service)) },
    },
    ready,
    watch: () =>
      pod.then(
        (found) => found && redisWatch(found.cluster, found.watched, storage !== undefined),
        () => undefined, // each waiting component reports it
      ),
  };
}

/** The Pod or the StatefulSet. */
function makeStorage(
  parent: pulumi.ComponentResource,
  resource: string,
  args: RedisServerArgs,
  dependsOn: pulumi.Resource[],
): K8sObject {
  const { service, namespace, storage } = args;
  const pod = {
    parent,
    name: redisNames(service).server,
    namespace: namespace.apply((known) => waitForServiceAccount(parent, known)),
    template: templateOf(args),
    selector: podLabels(args),
  };
  const opts = { parent, dependsOn, deleteBeforeReplace: true };
  return storage === undefined
    ? makeRedisPod(resource, pod, opts)
    : makeRedisStatefulSet(resource, { ...pod, service, storage }, opts);
}

function makeService(
  resource: string,
  metadata: k8s.types.input.meta.v1.ObjectMeta,
  args: RedisServerArgs,
  opts: pulumi.CustomResourceOptions,
): k8s.core.v1.Service {
  // Without endpoints it counts as ready after ten seconds. Waiting for it proves nothing, the Pod's probes do.
  const annotations = { "pulumi.com/skipAwait": "true" };
  const spec = { selector: podLabels(args), ports: [{ port: REDIS_PORT, targetPort: REDIS_PORT }] };
  return new k8s.core.v1.Service(resource, { metadata: { ...metadata, annotations }, spec }, opts);
}

/**
 * Labels that select its pod. When `storage` is set or removed, the old and the new pod exist side by side until the
 * end of `up`, and the Service must select the new one.
 */
function podLabels({ service, storage }: RedisServerArgs): Record<string, string> {
  return { ...selector(service, "redis"), "job-wq-2/data": storage === undefined ? "pod" : "claim" };
}

/** The template of its pod, with the user's patch. */
function templateOf(args: RedisServerArgs): PodTemplate {
  const { service, image, memory, memoryBytes, auth, storage, labels: own, pod } = args;
  const passwordSecret = auth ? service : undefined;
  const template = {
    metadata: {
      labels: { ...labels(service, "redis", own), ...podLabels(args), ...NO_MESH.labels },
      annotations: { ...NO_MESH.annotations, ...DO_NOT_DISRUPT },
    },
    spec: redisPodSpec({ image, memory, memoryBytes, passwordSecret, hasClaim: storage !== undefined }),
  };
  return strategicMerge(template, pod ?? {}) as PodTemplate;
}
