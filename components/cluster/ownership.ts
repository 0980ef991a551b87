// Only our own objects are touched. Kubernetes' server-side apply takes over an object that exists, and `destroy` would
// delete it. So every object names its stack in an annotation, and an object of the same name that somebody else made
// is refused before anything is created.
import type { V1ObjectMeta } from "@kubernetes/client-node";
import type * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../config/parse.ts";
import { claimed } from "../programChecks.ts";
import { OWNER } from "../../kube/ownLabels.ts";
import { isMocked } from "../engine.ts";
import { isPending, later } from "../readArgs.ts";
import type { Known } from "../types.ts";
import { type Cluster, connectCluster, known, rendersYaml } from "./client.ts";
import type { Owner } from "./owner.ts";
import { request } from "./request.ts";

type Tree = Record<string, unknown>;

/** An object, by the token of its type in Pulumi: `kubernetes:batch/v1:Job`. */
interface Named {
  type: string;
  name: string;
}

/** The namespace of a component's children. */
export interface ChildNamespace {
  /** Its type and name, for messages. */
  component: string;
  namespace: pulumi.Input<string>;
  /** True if another resource of this program may create the namespace. */
  mayComeLater: boolean;
}

/** True if the program itself may make the namespace before the component, as a preview cannot see. */
export const mayBeMadeBefore = (namespace: pulumi.Input<string>, opts: pulumi.ComponentResourceOptions = {}): boolean =>
  typeof namespace !== "string" || opts.dependsOn !== undefined || opts.parent !== undefined;

/** The children of a component: marks them, and looks for others of their names. */
export class Ownership {
  readonly #owner: Owner;
  readonly #children: Named[] = [];

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /**
   * Marks the children that the constructor declares, after every transformation of the program. An `up` finds what the
   * last one left by these annotations. So no transformation may keep Pulumi from changing them, nor undo the
   * components' `ignoreChanges`.
   */
  #noteOwner(parent: pulumi.ComponentResource): void {
    const before = new WeakMap<pulumi.Resource, { name: unknown; ignored: string[] }>();
    const note: pulumi.ResourceTransformation = ({ resource, props, opts }) => {
      const { ignoreChanges: ignored = [] } = opts as pulumi.CustomResourceOptions;
      before.set(resource, { name: (props as { metadata?: Tree }).metadata?.name, ignored });
      return undefined;
    };
    const mark: pulumi.ResourceTransformation = ({ resource, type, props, opts }) => {
      const given = (props as { metadata?: Known<Tree> }).metadata;
      // A component among the children marks its own children.
      if (opts.parent !== parent || !type.startsWith("kubernetes:") || !given) return undefined;
      const { name: first, ignored } = before.get(resource)!;
      // A transformation may have made all of it an output, which is known only after what a Job follows.
      const name = isPending(given) ? first : (given as Tree).name;
      if (typeof name === "string") this.#children.push({ type, name });
      const metadata = later(given, (all) => {
        const others = all.annotations as Known<Record<string, string>> | undefined;
        return { ...all, annotations: later(others ?? {}, (known) => ({ ...known, ...this.#owner.marks })) };
      });
      const { ignoreChanges = [] } = opts as pulumi.CustomResourceOptions;
      const kept = new Set([...ignored, ...ignoreChanges.filter((path) => !ANNOTATIONS.test(path))]);
      return { props: { ...props, metadata }, opts: { ...opts, ignoreChanges: [...kept] } };
    };
    // Transformations in their order: those given as an option, then those of the parents.
    const { __transformations: all } = parent as unknown as { __transformations: pulumi.ResourceTransformation[] };
    all.unshift(note);
    all.push(mark);
  }

  /**
   * Marks and looks for all children that the constructor declares.
   * @throws ConfigError of one line that names the first one that is somebody else's, or the namespace that is missing.
   */
  async check(parent: pulumi.ComponentResource, { component, namespace, mayComeLater }: ChildNamespace): Promise<void> {
    this.#noteOwner(parent);
    await new Promise(setImmediate);
    if (isMocked()) return;
    if (await rendersYaml(parent))
      throw new ConfigError(
        `${component}: its Kubernetes provider has \`renderYamlToDirectory\`, and a batch needs a cluster to run on: give it another provider.`,
      );
    const [cluster, where] = await Promise.all([connectCluster(parent), known(namespace)]);
    if (!cluster || where === undefined) return;
    const server = cluster.config.getCurrentCluster()?.server;
    for (const { type, name } of this.#children) {
      const other = claimed(`${server}${pathOf(type, name, where)}`, component);
      if (other)
        throw new ConfigError(
          `${component}: ${kindOf(type)} ${name} in namespace ${where} is that of ${other}: choose another \`name\` or \`namespace\`.`,
        );
    }
    const makesNamespace = this.#children.some(({ type }) => type === NAMESPACE);
    const [there, ...found] = await Promise.all([
      request(cluster.config, `/api/v1/namespaces/${where}`),
      ...this.#children.map((child) => this.#foreign(cluster, child, where)),
    ]);
    if (there?.code === 404 && !makesNamespace && !mayComeLater)
      throw new ConfigError(
        `${component}: there is no namespace ${where}: \`createNamespace\` creates it, or: kubectl create namespace ${where}`,
      );
    const foreign = found.find((line) => line !== undefined);
    if (foreign) throw new ConfigError(`${component}: ${foreign}`);
  }

  /** The line about an object that is somebody else's. */
  async #foreign(cluster: Cluster, { type, name }: Named, namespace: string): Promise<string | undefined> {
    const answer = await request(cluster.config, pathOf(type, name, namespace));
    // A new StatefulSet takes a claim that is there, with its data, and deletes it in the end.
    if (answer?.code === 404 && type === STATEFUL_SET)
      return this.#foreign(cluster, { type: CLAIM, name: `data-${name}-0` }, namespace);
    if (answer?.code !== 200) return undefined;
    const { metadata = {} } = answer.body as { metadata?: V1ObjectMeta };
    const other = metadata.annotations?.[OWNER];
    // A claim that belongs to a StatefulSet goes with it.
    if (this.#owner.owns(metadata.annotations) || (type === CLAIM && metadata.ownerReferences)) return undefined;
    const isNamesake = other === this.#owner.name;
    const whose =
      other === undefined ? "is not of this program" : `is of ${isNamesake ? "another" : "the"} stack ${other}`;
    const same = isNamesake ? "it is this one, with another passphrase" : "that is the old name of this one";
    const renamed = other === undefined ? "" : `, or, if ${same}, \`owner: ${other}\``;
    if (type === NAMESPACE) return `Namespace ${name} exists, and ${whose}: leave out \`createNamespace\`${renamed}.`;
    const line = `${kindOf(type)} ${name} exists in namespace ${namespace}, and ${whose}: choose another \`name\` or \`namespace\``;
    if (type === CLAIM)
      return `${line}; to use its data: kubectl -n ${namespace} annotate pvc ${name} ${OWNER}=${this.#owner.name}`;
    return `${line}${renamed}.`;
  }
}

const kindOf = (type: string) => type.split(":").at(-1)!;

/** Paths in `ignoreChanges` with all annotations below them. */
const ANNOTATIONS = /^(\*|metadata(\.annotations)?(\.\*|\[\*\])?)$/;

const NAMESPACE = "kubernetes:core/v1:Namespace";
const STATEFUL_SET = "kubernetes:apps/v1:StatefulSet";
const CLAIM = "kubernetes:core/v1:PersistentVolumeClaim";

/** `kubernetes:batch/v1:Job` → `/apis/batch/v1/namespaces/NAMESPACE/jobs/NAME`. */
export function pathOf(type: string, name: string, namespace: string): string {
  const [, version = "", kind = ""] = type.split(":");
  const root = version.startsWith("core/") ? `/api/${version.slice("core/".length)}` : `/apis/${version}`;
  const plural = `${kind.toLowerCase().replace(/y$/, "ie")}s`;
  return type === NAMESPACE ? `${root}/namespaces/${name}` : `${root}/namespaces/${namespace}/${plural}/${name}`;
}
