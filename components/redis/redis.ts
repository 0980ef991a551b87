import * as pulumi from "@pulumi/pulumi";
import { checkRedis } from "../../config/checks.ts";
import { ConfigError } from "../../config/parse.ts";
import { objectSettings, programSettings, redisSettings } from "../../config/settings.ts";
import type { RedisSettings } from "../args.ts";
import { unlisted } from "../engine.ts";
import { checked, OwnChecks } from "../programChecks.ts";
import { defaultNamespace } from "../cluster/client.ts";
import { Owner } from "../cluster/owner.ts";
import { mayBeMadeBefore, Ownership } from "../cluster/ownership.ts";
import type { Labels } from "../labels.ts";
import { makeNamespace } from "../namespace.ts";
import { nameOf, readArgs, type Values } from "../readArgs.ts";
import type { K8sObject, PodWatch } from "../types.ts";
import { TakenNames } from "./takenNames.ts";
import { redisByReference, redisByUrl } from "./existingRedis.ts";
import { redisServer } from "./redisServer.ts";
import {
  checkReference,
  type RedisAccess,
  type RedisBackend,
  type RedisLocation,
  type RedisObjects,
  type RedisReference,
} from "./reference.ts";

const { createNamespace } = programSettings;
const SETTINGS = { ...redisSettings, ...objectSettings, createNamespace };

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
  /** The stack that owns the objects. After a rename of the stack, give its old name. @default `project/stack` */
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
  /** To be exported, and given to another program's Redis as `from`. */
  readonly reference: pulumi.Output<RedisReference>;
  /** The place of this Redis, for the command line. */
  readonly location: pulumi.Output<RedisLocation>;
  /** Name of the pod that runs it; undefined if this program does not run it. */
  readonly podName: string | undefined;
  /** Its namespace, as in its arguments, and whether it creates that namespace. @internal */
  readonly planned: { namespace: pulumi.Input<string>; isCreated: boolean };
  readonly #backend: RedisBackend;
  readonly #taken = new TakenNames();

  /**
   * @param name Name of the component; its children are named after it.
   * @param args Which Redis, and how it is run.
   * @param opts Options of the component.
   * @throws ConfigError of one line for an argument that cannot be used.
   */
  constructor(name: string, args: RedisArgs = {}, opts?: pulumi.ComponentResourceOptions) {
    const component = `Redis ${name}`;
    const settings = readArgs(component, SETTINGS, args, ["from"]);
    const service = nameOf(component, "name", settings.name, name, objectSettings.name.parse);
    const { createNamespace } = settings;
    checked(component, () => checkTogether(args, createNamespace));
    const ownership = new Ownership(new Owner(settings.owner));
    const checks = new OwnChecks();
    super("job-wq-2:index:Redis", name, {}, checks.options(opts));
    const namespace = args.namespace ?? defaultNamespace(this);
    const mayComeLater = mayBeMadeBefore(namespace, opts);
    checks.await(ownership.check(this, { component, namespace, mayComeLater }));
    this.planned = { namespace, isCreated: createNamespace };
    this.namespace = createNamespace ? makeNamespace(`${name}-namespace`, namespace, this) : pulumi.output(namespace);
    const objects = { service, namespace: this.namespace, labels: args.labels };
    this.#backend = makeBackend(this, name, objects, args, settings);
    this.reference = this.#backend.reference;
    this.location = this.reference.location;
    this.podName = this.#backend.podName;
    unlisted(this, "planned");
    this.registerOutputs({ namespace: this.namespace, location: this.location });
  }

  /**
   * The resource that holds the data (Pod, StatefulSet, or the Secret with the URL). Replacing it loses what was done,
   * so every Job is replaced with it.
   */
  get storage(): K8sObject {
    return this.#backend.storage;
  }

  /** First resource created. Depend on it to fail early when the cluster is unreachable or denies access. */
  get first(): pulumi.Resource {
    return this.#backend.first;
  }

  /**
   * Resolves when Redis is ready; at once in a preview, and if this program does not run it. Rejects with the
   * reason where it cannot start.
   */
  get ready(): Promise<void> {
    return this.#backend.ready;
  }

  /** Begins to watch its pod; undefined in a preview, and if this program does not run it. @internal */
  watch(): Promise<PodWatch | undefined> {
    return this.#backend.watch?.() ?? Promise.resolve(undefined);
  }

  /** Settings by which pods in its namespace reach it. @internal */
  get access(): RedisAccess {
    return this.#backend.access;
  }

  /**
   * Options of `wq` that find it when this program's resources are gone; undefined if it goes with them.
   * @internal
   */
  get sharedAs(): pulumi.Output<string | undefined> {
    if (this.podName !== undefined) return pulumi.output(undefined);
    return pulumi.unsecret(this.reference.apply(({ stack }) => (stack ? `--stack ${stack}` : "--redis URL")));
  }

  /**
   * Takes a queue, and a name in a namespace, for a Batch.
   * @throws ConfigError if another Batch has it.
   * @internal
   */
  takeNames(
    batch: string,
    { queue, jobName, namespace }: { queue: string; jobName: string; namespace: unknown },
  ): void {
    this.#taken.add(batch, { queue, jobName, namespace: namespace ?? this.planned.namespace });
  }
}

/** Creates the Redis that the arguments ask for. */
function makeBackend(
  redis: Redis,
  name: string,
  objects: RedisObjects,
  args: RedisArgs,
  settings: Values<typeof redisSettings>,
): RedisBackend {
  const { url, ca } = settings;
  if (args.from !== undefined) {
    const from = pulumi.output(args.from).apply((given) => checked(`Redis ${name}`, () => checkReference(given)));
    return redisByReference(redis, name, objects, from);
  }
  if (url !== undefined) return redisByUrl(redis, name, objects, { url, ca });
  const memory = args.memory ?? redisSettings.memory.default;
  const { image, auth, pod, memory: memoryBytes } = settings;
  return redisServer(redis, name, { ...objects, image, auth, pod, memory, memoryBytes, storage: args.storage });
}

/** Checks arguments that depend on each other. @throws ConfigError */
function checkTogether(args: RedisArgs, createNamespace: boolean): void {
  checkRedis({ ...args });
  if (createNamespace && args.namespace === undefined)
    throw new ConfigError("Expected `namespace` with `createNamespace`: the name of the namespace to create.");
}
