import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { checkRedis } from "../../config/checks.ts";
import { ConfigError } from "../../config/parse.ts";
import { redisSettings } from "../../config/settings.ts";
import { connectCluster, settled } from "../cluster/client.ts";
import { waitForRedis } from "../cluster/waitForRedis.ts";
import { endProgram } from "../cluster/upError.ts";
import type { RedisSettings } from "../args.ts";
import { CLIENT_LABEL, labels, type Labels } from "../naming.ts";
import { afterChecks, checked, readArgs } from "../readArgs.ts";
import type { EnvVar, K8sObject } from "../types.ts";
import { RedisServer } from "./redisServer.ts";

/** Arguments of {@link Redis}. */
export interface RedisArgs extends RedisSettings {
  /** Name of the Service; the Pod is `NAME-master`, as on the Kubernetes page. @default the component's name */
  name?: string;
  /** Namespace of all its resources. @default "default" */
  namespace?: pulumi.Input<string>;
  /** Labels on everything. */
  labels?: Labels;
  /** Create the namespace; it enforces Pod Security `restricted`. @default false */
  createNamespace?: boolean;
}

/** What a Batch gives its pods so that they reach a Redis. */
export interface RedisAccess {
  /** Variables that tell a container where Redis is. */
  env: EnvVar[];
  /** Labels with which Redis lets a pod in. */
  labels: Record<string, pulumi.Input<string>>;
}

/** Where the command line finds a Redis. */
export interface RedisLocation {
  namespace: pulumi.Input<string>;
  /** Pod to forward a port to; absent for a Redis of the user's own. */
  pod?: string;
  /** Secret with the key `password`, in the same namespace; absent without a password. */
  passwordSecret?: string;
  /** Address of a Redis of the user's own. */
  url?: pulumi.Output<string>;
}

/**
 * The Redis of one or more Batches: the Pod and the Service of the Kubernetes page, hardened; with `storage` a StatefulSet with a volume claim; with
 * `url` a Redis that exists already.
 */
export class Redis extends pulumi.ComponentResource {
  /** Namespace of its resources. */
  readonly namespace: pulumi.Output<string>;
  /** The resource that holds the data (Pod, StatefulSet, or the Secret with the URL). Replacing it loses what was done, so every Job is replaced with it. */
  readonly storage: K8sObject;
  /** First resource created. Depend on it to fail early when the cluster is unreachable or denies access. */
  readonly first: pulumi.Resource;
  readonly location: RedisLocation;
  /** Resolves when Redis is ready; at once for one of the user's own, and in a preview. Never where it cannot start: the program ends with the reason. */
  readonly ready: Promise<void>;
  readonly #name: string;
  readonly #server?: RedisServer;
  readonly #queues = new Map<string, string>();

  /**
   * @param name Name of the component; its children are named after it.
   * @param args Which Redis, and how it is run.
   * @param opts Options of the component.
   * @throws ConfigError of one line for an argument that cannot be used.
   */
  constructor(name: string, args: RedisArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    const settings = readArgs(`Redis ${name}`, redisSettings, args, ["name", "namespace", "createNamespace", "labels"]);
    checked(`Redis ${name}`, () => checkRedis({ ...args }));
    super("job-wq-2:index:Redis", name, {}, afterChecks(opts));
    const { name: service = name } = args;
    const namespace = args.createNamespace ? this.#createNamespace(name, args) : (args.namespace ?? "default");
    this.#name = service;
    this.namespace = pulumi.output(namespace);
    if (settings.url) {
      const metadata = { name: `${service}-url`, namespace, labels: labels(service, "redis", args.labels) };
      this.storage = this.first = new k8s.core.v1.Secret(
        `${name}-url`,
        { metadata, stringData: { url: settings.url } },
        { parent: this, deleteBeforeReplace: true },
      );
      this.location = { namespace, url: pulumi.secret(settings.url) };
      this.ready = Promise.resolve();
    } else {
      const server = new RedisServer(this, name, {
        service,
        namespace,
        ...settings,
        memory: args.memory ?? redisSettings.memory.default,
        memoryBytes: settings.memory,
        storage: args.storage,
        labels: args.labels,
      });
      this.#server = server;
      this.storage = server.storage;
      this.first = server.first;
      this.location = { namespace, pod: server.podName, passwordSecret: settings.auth ? service : undefined };
      this.ready = pulumi.runtime.isDryRun() ? Promise.resolve() : this.#untilReady(server);
    }
    this.registerOutputs({ namespace: this.namespace, location: this.location });
  }

  #createNamespace(name: string, { namespace }: RedisArgs): pulumi.Output<string> {
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    return new k8s.core.v1.Namespace(`${name}-namespace`, { metadata: { name: namespace, labels } }, { parent: this })
      .metadata.name;
  }

  async #untilReady({ storage, podLabels }: RedisServer): Promise<void> {
    const [namespace, name, ownerUid] = await settled(pulumi.all([this.namespace, this.#name, storage.metadata.uid]));
    const cluster = await connectCluster(this);
    const labelSelector = Object.entries(podLabels)
      .map(([key, value]) => `${key}=${value}`)
      .join(",");
    const watched = { owner: `Redis ${name}`, ownerUid, namespace, labelSelector };
    try {
      if (cluster) await waitForRedis(cluster, watched, (line) => void pulumi.log.warn(line, this));
    } catch (error) {
      return endProgram((error as Error).message);
    }
  }

  /** How the pods of a Batch in this namespace reach it. @internal */
  access(): RedisAccess {
    const client = { [CLIENT_LABEL]: pulumi.interpolate`${this.namespace}.${this.#name}` };
    if (this.#server) return { env: this.#server.env, labels: client };
    const url = { name: "REDIS_URL", valueFrom: { secretKeyRef: { name: `${this.#name}-url`, key: "url" } } };
    return { env: [url], labels: client };
  }

  /** Notes that a Batch uses a queue of it. @throws ConfigError when another one does. @internal */
  claimQueue(queue: string, batch: string): void {
    const other = this.#queues.get(queue);
    if (other !== undefined)
      throw new ConfigError(
        `Expected \`queue\` to be one of its own, got ${JSON.stringify(queue)}, which Batch ${other} has on the same Redis.`,
      );
    this.#queues.set(queue, batch);
  }
}
