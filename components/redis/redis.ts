import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { checkRedis } from "../../config/checks.ts";
import { ConfigError } from "../../config/parse.ts";
import { placeSettings, redisSettings } from "../../config/settings.ts";
import { connectCluster, defaultNamespace, known, uidOf } from "../cluster/client.ts";
import { defaultOwner, mayBeMadeBefore, Ownership } from "../cluster/ownership.ts";
import { waitForRedis } from "../cluster/waitForRedis.ts";
import type { RedisSettings } from "../args.ts";
import { checked, OwnChecks } from "../checks.ts";
import { CLIENT_LABEL, clientValue, labels, type Labels } from "../labels.ts";
import { failure, isPreview } from "../program.ts";
import { redisNames } from "../names.ts";
import { nameOf, readArgs } from "../readArgs.ts";
import type { K8sObject } from "../types.ts";
import type { RedisAccess, RedisLocation, RedisReference } from "./reference.ts";
import { addressAccess, makeRedisAddress, type RedisAddressArgs } from "./redisAddress.ts";
import { RedisServer } from "./redisServer.ts";

const OTHERS = ["from", "createNamespace"];

/** Arguments of {@link Redis}. */
export interface RedisArgs extends RedisSettings {
  /** Name of the Service; the Pod is `NAME-master`, as on the Kubernetes page. @default the component's name */
  name?: string;
  /** Namespace of all its resources. @default that of the provider */
  namespace?: pulumi.Input<string>;
  /** Labels on everything. */
  labels?: Labels;
  /**
   * The `reference` of a Redis that another program runs and exports. At most one of `url`, `from` and `storage`.
   */
  from?: pulumi.Input<RedisReference>;
  /** The stack that all of it is of; a stack that was renamed gives its old one. @default `project/stack` */
  owner?: string;
  /** Create the namespace; it enforces Pod Security `restricted`. @default false */
  createNamespace?: boolean;
}

/**
 * The Redis of one or more Batches: the Pod and the Service of the Kubernetes page, hardened; with `storage` a
 * StatefulSet with a volume claim; with `url` a Redis that exists already.
 */
export class Redis extends pulumi.ComponentResource {
  /** Namespace of its resources. */
  readonly namespace: pulumi.Output<string>;
  /**
   * The resource that holds the data (Pod, StatefulSet, or the Secret with the URL). Replacing it loses what was done,
   * so every Job is replaced with it.
   */
  readonly storage: K8sObject;
  /** First resource created. Depend on it to fail early when the cluster is unreachable or denies access. */
  readonly first: pulumi.Resource;
  /** To be exported, and given to another program's Redis as `from`. */
  readonly reference: pulumi.Output<RedisReference>;
  /** Its place, for the command line. */
  readonly location: pulumi.Output<RedisLocation>;
  /** Name of the pod that runs it; undefined where this program does not run it. */
  readonly podName: string | undefined;
  /**
   * Resolves when Redis is ready; at once in a preview, and where this program does not run it. Rejects with the
   * reason where it cannot start.
   */
  readonly ready: Promise<void>;
  /** Its namespace, known before it is created. @internal */
  readonly place: pulumi.Input<string>;
  /** Name of its namespace, unless that is an output. @internal */
  readonly existingNamespace: string | undefined;
  /** True if it creates its namespace. @internal */
  readonly createsNamespace: boolean;
  readonly #access: RedisAccess;
  readonly #queues = new Map<string, string>();
  /** By namespace. */
  readonly #names = new Map<unknown, Map<string, string>>();

  /**
   * @param name Name of the component; its children are named after it.
   * @param args Which Redis, and how it is run.
   * @param opts Options of the component.
   * @throws ConfigError of one line for an argument that cannot be used.
   */
  constructor(name: string, args: RedisArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    const component = `Redis ${name}`;
    const settings = readArgs(component, { ...redisSettings, ...placeSettings }, args, OTHERS);
    const service = nameOf(component, "name", settings.name, name, placeSettings.name.parse);
    checked(component, () => {
      checkRedis({ ...args });
      if (args.createNamespace && args.namespace === undefined)
        throw new ConfigError("Expected `namespace` with `createNamespace`, the name of the one to create.");
    });
    const ownership = new Ownership(settings.owner ?? defaultOwner());
    const checks = new OwnChecks();
    super("job-wq-2:index:Redis", name, {}, ownership.options(checks.options(opts)));
    this.place = args.namespace ?? defaultNamespace(this);
    const mayComeLater = mayBeMadeBefore(this.place, opts);
    checks.await(ownership.check(this, { component, namespace: this.place, mayComeLater }));
    const { from } = args;
    const namespace = args.createNamespace ? this.#createNamespace(name, args) : this.place;
    this.createsNamespace = args.createNamespace === true;
    this.namespace = pulumi.output(namespace);
    if (typeof namespace === "string") this.existingNamespace = namespace;
    const id = this.namespace.apply((known) => clientValue(known, service));
    if (settings.url !== undefined || from !== undefined) {
      const reference =
        from === undefined
          ? this.#ownReference(service, settings.url!, settings.ca)
          : pulumi.secret(pulumi.output(from));
      const address: RedisAddressArgs = {
        name: redisNames(service).address,
        namespace,
        labels: labels(service, "redis", args.labels),
        url: reference.url,
        ca: from === undefined ? settings.ca : undefined,
        host: from === undefined ? undefined : reference.apply(({ host }) => host ?? ""),
        storageId: from === undefined ? undefined : reference.storageId,
      };
      this.reference = reference;
      this.storage = this.first = makeRedisAddress(`${name}-url`, address, { parent: this });
      this.#access = {
        ...addressAccess(address),
        labels: { [CLIENT_LABEL]: from === undefined ? id : pulumi.unsecret(reference.id) },
      };
      this.ready = Promise.resolve();
    } else {
      const server = new RedisServer(this, name, {
        ...settings,
        service,
        namespace,
        memory: args.memory ?? redisSettings.memory.default,
        memoryBytes: settings.memory,
        storage: args.storage,
        labels: args.labels,
      });
      this.reference = server.reference;
      this.storage = server.storage;
      this.first = server.first;
      this.podName = server.podName;
      this.#access = { env: server.env, labels: { [CLIENT_LABEL]: id } };
      this.ready = isPreview() ? Promise.resolve() : this.#untilReady(service, server);
    }
    this.location = this.reference.location;
    this.registerOutputs({ namespace: this.namespace, location: this.location });
  }

  #ownReference(
    name: string,
    url: pulumi.Input<string>,
    ca: pulumi.Input<string> | undefined,
  ): pulumi.Output<RedisReference> {
    const values = pulumi.all([this.namespace, url, ca ?? ""]);
    return pulumi.secret(
      values.apply(([namespace, url, ca]) => {
        const location = ca ? { namespace, url, ca } : { namespace, url };
        return { id: clientValue(namespace, name), url, storageId: url, location };
      }),
    );
  }

  #createNamespace(name: string, { namespace }: RedisArgs): pulumi.Output<string> {
    const labels = { "pod-security.kubernetes.io/enforce": "restricted" };
    return new k8s.core.v1.Namespace(`${name}-namespace`, { metadata: { name: namespace, labels } }, { parent: this })
      .metadata.name;
  }

  async #untilReady(name: string, { storage, podLabels }: RedisServer): Promise<void> {
    const there = await known(pulumi.all([this.namespace, uidOf(storage)]));
    if (!there) return; // the engine passes it over: `--target`
    const [namespace, ownerUid] = there;
    const cluster = await connectCluster(this);
    const labelSelector = Object.entries(podLabels)
      .map(([key, value]) => `${key}=${value}`)
      .join(",");
    const watched = { owner: `Redis ${name}`, ownerUid, namespace, labelSelector };
    try {
      if (cluster) await waitForRedis(cluster, watched, (line) => void pulumi.log.warn(line, this));
    } catch (error) {
      throw failure((error as Error).message, this);
    }
  }

  /**
   * The way to it, for the pods of a Batch.
   * @param elsewhere The Secret with its address, where the Batch is in another namespace.
   * @internal
   */
  access(elsewhere?: {
    resource: string;
    name: string;
    namespace: pulumi.Input<string>;
    labels: Labels;
    parent: pulumi.Resource;
  }): RedisAccess {
    if (!elsewhere) return this.#access;
    const { resource, parent, ...metadata } = elsewhere;
    const { url, storageId } = this.reference;
    const address = {
      ...metadata,
      url,
      host: this.reference.apply(({ host }) => host ?? ""),
      storageId,
    };
    makeRedisAddress(resource, address, { parent });
    return { ...addressAccess(address), labels: this.#access.labels };
  }

  /**
   * Options of `wq` that find it when this program's resources are gone; undefined where it goes with them.
   * @internal
   */
  get sharedAs(): pulumi.Output<string | undefined> {
    if (this.podName !== undefined) return pulumi.output(undefined);
    return pulumi.unsecret(this.reference.apply(({ stack }) => (stack ? `--stack ${stack}` : "--redis URL")));
  }

  /**
   * Reserves a queue, and a name in a namespace, for a Batch.
   * @throws ConfigError where another Batch has it.
   * @internal
   */
  claim(batch: string, { queue, jobName, namespace }: { queue: string; jobName: string; namespace: unknown }): void {
    // An output is a namespace of its own, since its value is not known.
    const place = namespace ?? this.existingNamespace;
    const names = this.#names.get(place) ?? new Map<string, string>();
    this.#names.set(place, names);
    claim(names, "name", jobName, batch, "in the same namespace");
    claim(this.#queues, "queue", queue, batch, "on the same Redis");
  }
}

function claim(taken: Map<string, string>, key: string, value: string, batch: string, where: string): void {
  const other = taken.get(value);
  if (other !== undefined)
    throw new ConfigError(
      `Expected \`${key}\` to be another one than that of Batch ${other} ${where}, got ${JSON.stringify(value)}.`,
    );
  taken.set(value, batch);
}
