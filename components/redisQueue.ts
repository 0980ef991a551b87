import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import type { Made } from "./job.ts";
import { labels, names, selector } from "./labels.ts";
import { containerSecurity, podSecurity } from "./security.ts";

/** Where Redis is, for a container's environment. */
export type EnvVar = k8s.types.input.core.v1.EnvVar;

/** Arguments of {@link RedisQueue}. */
export interface RedisQueueArgs {
  /** Name of the queue: its label picks the pods that are let in. */
  queue: string;
  namespace: pulumi.Input<string>;
  /** A Redis that is there already, `rediss://user:password@host:port`: only a Secret with it is made. */
  url?: pulumi.Input<string>;
  /** Image of any Redis from 7.0. */
  image: string;
  /** Memory limit, a Kubernetes quantity, and the same in bytes. */
  memory: string;
  memoryBytes: number;
  /** A password, made once. */
  auth: boolean;
  /** Size of a claim that holds the data; without it the data goes with the Pod. */
  storage?: string;
}

/** A large log takes minutes to load, and its startup probe allows ten. */
const PATIENCE = { create: "12m", update: "12m" };
/** Share of the memory limit that is for data: an AOF rewrite copies what changes meanwhile, and settling needs room when takes are refused. */
const DATA_SHARE = 0.6;
/** User of the official image; Debian's has none of that number, and needs none. */
const USER = 999;

/** Mends what a host's death left of the log, and becomes `redis-server`. */
const START = readFileSync(join(import.meta.dirname, "redis-start.sh"), "utf8");

/** What `redis-server` is started with: on disk within a second, full rather than forgetful, one node. */
export function redisArgs(memoryBytes: number, auth: boolean): string[] {
  return [
    ...["--dir", "/data", "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""],
    ...["--maxmemory", String(Math.floor(memoryBytes * DATA_SHARE)), "--maxmemory-policy", "noeviction"],
    ...["--protected-mode", "no"],
    ...(auth ? ["--requirepass", "$(REDISCLI_AUTH)"] : []),
  ];
}

/** A probe by redis-cli, whose answer, not its exit code, tells: a Redis that loads its data answers with an error and exit code 0. */
function probe(answer: string, timing: Partial<k8s.types.input.core.v1.Probe>): k8s.types.input.core.v1.Probe {
  const command = ["sh", "-c", `redis-cli ping 2>&1 | grep -qE '${answer}'`];
  return { exec: { command }, timeoutSeconds: 5, ...timing };
}

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

    const spec = this.#podSpec(args, secret !== undefined);
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

  #podSpec(args: RedisQueueArgs, auth: boolean): k8s.types.input.core.v1.PodSpec {
    return {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: podSecurity(USER),
      terminationGracePeriodSeconds: 10,
      containers: [
        {
          name: "redis",
          image: args.image,
          args: ["sh", "-c", START, "redis-server", ...redisArgs(args.memoryBytes, auth)],
          workingDir: "/data",
          // redis-cli reads it too, so that `kubectl exec redis-master -- redis-cli …` needs no password.
          env: auth
            ? [{ name: "REDISCLI_AUTH", valueFrom: { secretKeyRef: { name: names.redis, key: "password" } } }]
            : [],
          ports: [{ containerPort: 6379, name: "redis" }],
          resources: { requests: { cpu: "100m", memory: args.memory }, limits: { memory: args.memory } },
          securityContext: containerSecurity,
          volumeMounts: [{ name: "data", mountPath: "/data" }],
          // Ten minutes for loading a large AOF, looked at every second.
          startupProbe: probe("PONG", { periodSeconds: 1, failureThreshold: 600 }),
          readinessProbe: probe("PONG", { periodSeconds: 5 }),
          livenessProbe: probe("PONG|LOADING|BUSY", { periodSeconds: 10, failureThreshold: 6 }),
        },
      ],
      ...(args.storage ? {} : { volumes: [{ name: "data", emptyDir: {} }] }),
    };
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
