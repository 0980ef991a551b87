// Kinds that the components declare: their place in the API, and the changes that replace a resource. Any other is
// refused by name. The fields are those of the official provider's table: https://github.com/pulumi/pulumi-kubernetes,
// provider/pkg/provider/diff.go.

/** A kind of resource, by the last part of its Pulumi type. */
export interface Kind {
  /** `""` for the core group. */
  group: string;
  plural: string;
  namespaced: boolean;
  /** Fields whose change replaces a resource, beside its name and namespace. */
  replaces: string[];
  /** Fields below a replacing one that are updated in place. */
  except?: RegExp;
}

export const kinds: Record<string, Kind> = {
  "core/v1:Namespace": { group: "", plural: "namespaces", namespaced: false, replaces: [] },
  "core/v1:Secret": {
    group: "",
    plural: "secrets",
    namespaced: true,
    replaces: ["data", "stringData", "type", "immutable"],
  },
  "core/v1:ConfigMap": {
    group: "",
    plural: "configmaps",
    namespaced: true,
    replaces: ["data", "binaryData", "immutable"],
  },
  "core/v1:ServiceAccount": { group: "", plural: "serviceaccounts", namespaced: true, replaces: [] },
  "core/v1:Service": { group: "", plural: "services", namespaced: true, replaces: ["spec.clusterIP"] },
  "core/v1:Pod": {
    group: "",
    plural: "pods",
    namespaced: true,
    replaces: ["spec"],
    except: /^spec\.(containers\.\d+\.image|initContainers\.\d+\.image|activeDeadlineSeconds|tolerations)/,
  },
  "apps/v1:StatefulSet": {
    group: "apps",
    plural: "statefulsets",
    namespaced: true,
    replaces: [
      "spec.podManagementPolicy",
      "spec.revisionHistoryLimit",
      "spec.selector",
      "spec.serviceName",
      "spec.volumeClaimTemplates",
    ],
  },
  "batch/v1:Job": {
    group: "batch",
    plural: "jobs",
    namespaced: true,
    replaces: ["spec.completions", "spec.parallelism", "spec.selector", "spec.template"],
  },
  "rbac.authorization.k8s.io/v1:Role": {
    group: "rbac.authorization.k8s.io",
    plural: "roles",
    namespaced: true,
    replaces: [],
  },
  "rbac.authorization.k8s.io/v1:RoleBinding": {
    group: "rbac.authorization.k8s.io",
    plural: "rolebindings",
    namespaced: true,
    replaces: ["roleRef"],
  },
  "networking.k8s.io/v1:NetworkPolicy": {
    group: "networking.k8s.io",
    plural: "networkpolicies",
    namespaced: true,
    replaces: [],
  },
};

/** The kind of a URN. @throws Error, with the kinds there are, for any other. */
export function kindOf(urn: string): Kind {
  const type = urn
    .split("::")[2]!
    .split("$")
    .at(-1)!
    .replace(/^kubernetes:/, "");
  const kind = kinds[type];
  if (!kind) {
    throw new Error(
      `The local platform's kubernetes plugin has no ${type}, only ${Object.keys(kinds).join(", ")}; use the official plugin`,
    );
  }
  return kind;
}

/** Those of the differing paths that replace a resource. */
export function replacing({ replaces, except }: Kind, paths: string[][]): string[] {
  const identity = ["metadata.name", "metadata.namespace"];
  const dotted = paths.map((path) => path.join("."));
  return dotted.filter(
    (path) =>
      [...identity, ...replaces].some((field) => path === field || path.startsWith(`${field}.`)) && !except?.test(path),
  );
}
