// A Redis that runs in the cluster: Pod or StatefulSet, Service, password, and who may connect.
import { randomBytes } from "node:crypto";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { AT_ONCE } from "../cluster/client.ts";
import { CLIENT_LABEL, labels, selector } from "../naming.ts";
import type { EnvVar, K8sObject, Known } from "../types.ts";
import { redisPodSpec } from "./redisPod.ts";

/** What is created. */
export interface RedisServerArgs {
  /** Name of the Service. */
  service: string;
  namespace: pulumi.Input<string>;
  image: Known<string>;
  /** Memory limit, as a Kubernetes quantity and in bytes. */
  memory: pulumi.Input<string>;
  memoryBytes: Known<number>;
  /** A generated password. */
  auth: boolean;
  /** Size of a volume claim; absent: the data goes with the Pod. */
  storage: pulumi.Input<string> | undefined;
}

export class RedisServer {
  /** The Pod or the StatefulSet. */
  readonly storage: K8sObject;
  readonly first: pulumi.Resource;
  readonly podName: string;
  /** Variables that tell a container of the same namespace where Redis is. */
  readonly env: EnvVar[];
  readonly #parent: pulumi.Resource;
  readonly #args: RedisServerArgs;

  constructor(parent: pulumi.Resource, name: string, args: RedisServerArgs) {
    const { service, namespace, auth, storage } = args;
    this.#parent = parent;
    this.#args = args;
    const child = { parent };
    const metadata = this.#metadata(service);
    const policy = new k8s.networking.v1.NetworkPolicy(
      `${name}-policy`,
      {
        metadata,
        spec: {
          podSelector: { matchLabels: selector(service, "redis") },
          policyTypes: ["Ingress"],
          ingress: [
            {
              from: [
                {
                  namespaceSelector: {},
                  podSelector: { matchLabels: { [CLIENT_LABEL]: pulumi.interpolate`${namespace}.${service}` } },
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
    this.podName = storage === undefined ? `${service}-master` : `${service}-master-0`;
    this.storage =
      storage === undefined
        ? this.#pod(`${name}-pod`, dependsOn)
        : this.#statefulSet(`${name}-pod`, storage, dependsOn);
    const clusterService = new k8s.core.v1.Service(
      `${name}-service`,
      {
        // A Service without endpoints counts as ready after ten seconds, so waiting for it proves nothing; the Pod's probes do.
        metadata: { ...metadata, annotations: { "pulumi.com/skipAwait": "true" } },
        spec: {
          selector: { ...selector(service, "redis"), ...this.#storageLabel },
          ports: [{ port: 6379, targetPort: 6379 }],
        },
      },
      { ...child, dependsOn: [this.storage] },
    );
    this.env = [
      { name: "REDIS_URL", value: `redis://${service}:6379` },
      // Used where the name does not resolve: a cluster without DNS.
      { name: "REDIS_SERVICE_HOST", value: clusterService.spec.clusterIP },
    ];
    if (password)
      this.env.push({ name: "REDIS_PASSWORD", valueFrom: { secretKeyRef: { name: service, key: "password" } } });
  }

  /** When the setting changes, both kinds exist until the end of `up`: the Service has to select the new one. */
  get #storageLabel(): Record<string, string> {
    return { "job-wq-2/data": this.#args.storage === undefined ? "pod" : "claim" };
  }

  #metadata(name: string) {
    const { service, namespace } = this.#args;
    return { name, namespace, labels: labels(service, "redis") };
  }

  /** Labels that select its pod. */
  get podLabels(): Record<string, string> {
    return { ...selector(this.#args.service, "redis"), ...this.#storageLabel };
  }

  get #podMetadata() {
    const metadata = this.#metadata(`${this.#args.service}-master`);
    return { ...metadata, labels: { ...metadata.labels, ...this.#storageLabel } };
  }

  get #podSpec() {
    const { image, memory, memoryBytes, auth, service, storage } = this.#args;
    const passwordSecret = auth ? service : undefined;
    return redisPodSpec({ image, memory, memoryBytes, passwordSecret, hasClaim: storage !== undefined });
  }

  #pod(name: string, dependsOn: pulumi.Resource[]): k8s.core.v1.Pod {
    return new k8s.core.v1.Pod(
      name,
      { metadata: { ...this.#podMetadata, annotations: AT_ONCE }, spec: this.#podSpec },
      { parent: this.#parent, dependsOn, deleteBeforeReplace: true },
    );
  }

  #statefulSet(name: string, storage: pulumi.Input<string>, dependsOn: pulumi.Resource[]): k8s.apps.v1.StatefulSet {
    const metadata = this.#podMetadata;
    return new k8s.apps.v1.StatefulSet(
      name,
      {
        metadata: { ...metadata, annotations: AT_ONCE },
        spec: {
          serviceName: this.#args.service,
          replicas: 1,
          selector: { matchLabels: this.podLabels },
          template: { metadata: { labels: metadata.labels }, spec: this.#podSpec },
          // With the default policy a pod with a wrong image would block the one with the right image.
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
        parent: this.#parent,
        dependsOn,
        deleteBeforeReplace: true,
        // Another size would be another claim, without the data.
        ignoreChanges: ["spec.volumeClaimTemplates"],
      },
    );
  }
}
