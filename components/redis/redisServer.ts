// A Redis that runs in the cluster: Pod or StatefulSet, Service, password, and who may connect.
import { randomBytes } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { uidOf } from "../cluster/client.ts";
import { waitForServiceAccount } from "../cluster/waitForServiceAccount.ts";
import { CLIENT_LABEL, clientValue, DO_NOT_DISRUPT, labels, type Labels, NO_MESH, selector } from "../labels.ts";
import type { EnvVar, K8sObject, Known } from "../types.ts";
import { redisNames } from "../names.ts";
import { strategicMerge } from "../podPatch.ts";
import type { RedisReference } from "./reference.ts";
import { redisPodSpec } from "./redisConfig.ts";
import { makeRedisPod, makeRedisStatefulSet } from "./redisStorage.ts";

type PodTemplate = k8s.types.input.core.v1.PodTemplateSpec;

/** Arguments of {@link RedisServer}. */
export interface RedisServerArgs {
  /** Name of the Service. */
  service: string;
  namespace: pulumi.Input<string>;
  image: Known<string>;
  /** Memory limit, as a Kubernetes quantity and in bytes. */
  memory: pulumi.Input<string>;
  memoryBytes: Known<number>;
  /** True if it has a generated password. */
  auth: boolean;
  /** Size of a volume claim; absent: the data goes with the Pod. */
  storage: pulumi.Input<string> | undefined;
  /** Labels of the user's own, on everything. */
  labels: Labels | undefined;
  /** A patch of the pod template. */
  pod: Record<string, unknown> | undefined;
}

/** A Redis in the cluster, and how to reach it. */
export class RedisServer {
  /** The Pod or the StatefulSet. */
  readonly storage: K8sObject;
  readonly first: pulumi.Resource;
  readonly podName: string;
  /** Variables that tell a container of the same namespace where Redis is. */
  readonly env: EnvVar[];
  readonly reference: pulumi.Output<RedisReference>;
  readonly #args: RedisServerArgs;

  constructor(parent: pulumi.ComponentResource, name: string, args: RedisServerArgs) {
    const { service, namespace, auth, storage } = args;
    this.#args = args;
    const child = { parent };
    const metadata = { name: service, namespace, labels: labels(service, "redis", args.labels) };
    const policy = new k8s.networking.v1.NetworkPolicy(
      `${name}-policy`,
      {
        metadata,
        spec: {
          podSelector: { matchLabels: selector(service, "redis") },
          // None outwards: it asks nobody, and copies itself nowhere.
          policyTypes: ["Ingress", "Egress"],
          ingress: [
            {
              from: [
                {
                  // Anybody may set a label: without a password it is no guard of its own.
                  ...(auth && { namespaceSelector: {} }),
                  podSelector: {
                    matchLabels: {
                      [CLIENT_LABEL]: pulumi.output(namespace).apply((known) => clientValue(known, service)),
                    },
                  },
                },
              ],
              ports: [{ protocol: "TCP", port: 6379 }],
            },
          ],
        },
      },
      child,
    );
    this.first = policy;
    const password = auth
      ? new k8s.core.v1.Secret(
          `${name}-password`,
          { metadata, stringData: { password: pulumi.secret(randomBytes(24).toString("hex")) } },
          // Generated once. The provider moves stringData to data, so both are left alone from then on.
          { ...child, ignoreChanges: ["stringData", "data"] },
        )
      : undefined;
    const dependsOn = password ? [policy, password] : [policy];
    const names = redisNames(service);
    this.podName = storage === undefined ? names.server : names.podOfSet;
    const pod = {
      name: names.server,
      namespace: pulumi.output(namespace).apply((known) => waitForServiceAccount(parent, known)),
      template: this.#template(),
      selector: this.podLabels,
    };
    const opts = { ...child, dependsOn, deleteBeforeReplace: true };
    this.storage =
      storage === undefined
        ? makeRedisPod(`${name}-pod`, pod, opts)
        : makeRedisStatefulSet(`${name}-pod`, { ...pod, service, storage }, opts);
    const clusterService = new k8s.core.v1.Service(
      `${name}-service`,
      {
        // A Service without endpoints counts as ready after ten seconds, so waiting for it proves nothing; the Pod's
        // probes do.
        metadata: { ...metadata, annotations: { "pulumi.com/skipAwait": "true" } },
        spec: {
          selector: this.podLabels,
          ports: [{ port: 6379, targetPort: 6379 }],
        },
      },
      { ...child, dependsOn: [this.storage] },
    );
    this.env = [
      { name: "WQ_REDIS_URL", value: `redis://${service}:6379` },
      // Used where the name does not resolve: a cluster without DNS.
      { name: "WQ_REDIS_HOST", value: clusterService.spec.clusterIP },
    ];
    const secret = password?.data.apply((data) => Buffer.from(data?.password ?? "", "base64").toString());
    const uid = uidOf(this.storage);
    this.reference = pulumi.secret(
      pulumi
        .all([namespace, secret ?? "", clusterService.spec.clusterIP, uid])
        .apply(([namespace, password, host, uid]) => ({
          id: clientValue(namespace, service),
          url: `redis://${password && `:${password}@`}${service}.${namespace}:6379`,
          host,
          storageId: uid,
          stack: pulumi.getStack(),
          location: { namespace, pod: this.podName, ...(auth && { passwordSecret: service }) },
        })),
    );
    if (password)
      this.env.push({ name: "WQ_REDIS_PASSWORD", valueFrom: { secretKeyRef: { name: service, key: "password" } } });
  }

  /**
   * Labels that select its pod. When `storage` is set or removed, the old and the new pod exist side by side until the
   * end of `up`, and the Service must select the new one.
   */
  get podLabels(): Record<string, string> {
    const { service, storage } = this.#args;
    return { ...selector(service, "redis"), "job-wq-2/data": storage === undefined ? "pod" : "claim" };
  }

  /** The template of its pod, with the user's patch. */
  #template(): PodTemplate {
    const { service, image, memory, memoryBytes, auth, storage, labels: own, pod } = this.#args;
    const passwordSecret = auth ? service : undefined;
    const template = {
      metadata: {
        labels: { ...labels(service, "redis", own), ...this.podLabels, ...NO_MESH.labels },
        annotations: { ...NO_MESH.annotations, ...DO_NOT_DISRUPT },
      },
      spec: redisPodSpec({ image, memory, memoryBytes, passwordSecret, hasClaim: storage !== undefined }),
    };
    return strategicMerge(template, pod ?? {}) as PodTemplate;
  }
}
