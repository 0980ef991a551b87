import { randomBytes } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { labels, names, selector } from "../naming.ts";
import { type RedisPodArgs, redisPodSpec } from "./redisPod.ts";
import type { EnvVar, Made } from "../types.ts";

/** Arguments of {@link RedisQueue}. */
export interface RedisQueueArgs extends RedisPodArgs {
  /** Name of the queue: its label picks the pods that are let in. */
  queue: string;
  namespace: pulumi.Input<string>;
  /** A Redis that is there already, `rediss://user:password@host:port`: only a Secret with it is made. */
  url?: pulumi.Input<string>;
}

/** A large log takes minutes to load, and its startup probe allows ten. */
const PATIENCE = { create: "12m", update: "12m" };
/**
 * The Pod `redis-master` and the Service `redis` of the Kubernetes page, hardened; or a StatefulSet with a claim; or only a Secret with the address of
 * a Redis that is there.
 */
export class RedisQueue extends pulumi.ComponentResource {
  /** Variables that tell a container where Redis is. */
  readonly env: EnvVar[];
  /** What holds the data, or says where it is: in another, nothing is known of what was done in this one. */
  readonly data: Made;
  /** Made first, and at once: what comes after it knows that the cluster answers and lets us in. */
  readonly first: pulumi.Resource;

  /**
   * @param name Name of the component; its children are named after it.
   * @param args What to make.
   * @param opts Options of the component.
   */
  constructor(name: string, args: RedisQueueArgs, opts?: pulumi.ComponentResourceOptions) {
    super("workqueue:index:RedisQueue", name, args, opts);
    const { queue, namespace, url } = args;
    const mine = { parent: this };
    const meta = (resource: string) => ({ name: resource, namespace, labels: labels("redis", queue) });

    if (url !== undefined) {
      this.data = this.first = new k8s.core.v1.Secret(
        `${name}-url`,
        { metadata: meta(names.redisUrl), stringData: { url } },
        { ...mine, deleteBeforeReplace: true },
      );
      this.env = [{ name: "REDIS_URL", valueFrom: { secretKeyRef: { name: names.redisUrl, key: "url" } } }];
      this.registerOutputs({});
      return;
    }

    const policy = new k8s.networking.v1.NetworkPolicy(
      `${name}-policy`,
      {
        metadata: meta(names.redis),
        spec: {
          podSelector: { matchLabels: selector("redis", queue) },
          policyTypes: ["Ingress"],
          ingress: [
            {
              from: [{ podSelector: { matchLabels: { "job-wq-2/queue": labels("redis", queue)["job-wq-2/queue"]! } } }],
              ports: [{ protocol: "TCP", port: 6379 }],
            },
          ],
        },
      },
      mine,
    );
    const secret = args.auth
      ? new k8s.core.v1.Secret(
          `${name}-password`,
          { metadata: meta(names.redis), stringData: { password: pulumi.secret(randomBytes(24).toString("hex")) } },
          // Made once: the provider moves stringData to data, so both are left alone from then on.
          { ...mine, ignoreChanges: ["stringData", "data"] },
        )
      : undefined;
    this.first = policy;

    const spec = redisPodSpec(args);
    const dependsOn = secret ? [policy, secret] : [policy];
    // When the setting changes, both kinds are there until the end of `up`: the Service has to pick the new one.
    const placed = { "job-wq-2/data": args.storage ? "claim" : "pod" };
    const metadata = { ...meta(names.redisPod), labels: { ...labels("redis", queue), ...placed } };
    const picked = { ...selector("redis", queue), ...placed };
    this.data = args.storage
      ? this.#statefulSet(`${name}-pod`, args.storage, spec, metadata, picked, dependsOn)
      : this.#pod(`${name}-pod`, spec, metadata, dependsOn);
    const service = new k8s.core.v1.Service(
      `${name}-service`,
      {
        // A Service without endpoints counts as ready after ten seconds of waiting, so that wait proves nothing: the Pod's probes do.
        metadata: { ...meta(names.redis), annotations: { "pulumi.com/skipAwait": "true" } },
        spec: { selector: picked, ports: [{ port: 6379, targetPort: 6379 }] },
      },
      { ...mine, dependsOn: [this.data] },
    );
    this.env = [
      { name: "REDIS_URL", value: `redis://${names.redis}:6379` },
      { name: "REDIS_SERVICE_HOST", value: service.spec.clusterIP },
      ...(secret
        ? [{ name: "REDIS_PASSWORD", valueFrom: { secretKeyRef: { name: names.redis, key: "password" } } }]
        : []),
    ];
    this.registerOutputs({});
  }

  #pod(
    name: string,
    spec: k8s.types.input.core.v1.PodSpec,
    metadata: { name: string; namespace: pulumi.Input<string>; labels: Record<string, string> },
    dependsOn: pulumi.Resource[],
  ): k8s.core.v1.Pod {
    // The provider's own wait for a Pod has no end: each look begins its time-out anew.
    const annotations = { "pulumi.com/waitFor": "condition=Ready" };
    return new k8s.core.v1.Pod(
      name,
      { metadata: { ...metadata, annotations }, spec },
      { parent: this, dependsOn, deleteBeforeReplace: true, customTimeouts: PATIENCE },
    );
  }

  #statefulSet(
    name: string,
    storage: string,
    spec: k8s.types.input.core.v1.PodSpec,
    metadata: { name: string; namespace: pulumi.Input<string>; labels: Record<string, string> },
    matchLabels: Record<string, string>,
    dependsOn: pulumi.Resource[],
  ): k8s.apps.v1.StatefulSet {
    return new k8s.apps.v1.StatefulSet(
      name,
      {
        metadata,
        spec: {
          serviceName: names.redis,
          replicas: 1,
          selector: { matchLabels },
          template: { metadata: { labels: metadata.labels }, spec },
          // Else a pod whose image was wrong would not be replaced by one whose image is right.
          podManagementPolicy: "Parallel",
          persistentVolumeClaimRetentionPolicy: { whenDeleted: "Delete", whenScaled: "Retain" },
          volumeClaimTemplates: [
            {
              metadata: { name: "data", labels: metadata.labels },
              spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage } } },
            },
          ],
        },
      },
      {
        ...{ parent: this, dependsOn, deleteBeforeReplace: true, customTimeouts: PATIENCE },
        // Another size would be another claim, without the data.
        ignoreChanges: ["spec.volumeClaimTemplates"],
      },
    );
  }
}
