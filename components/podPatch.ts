// A strategic merge patch, as `kubectl patch --type=strategic` applies it, over a pod template that may hold outputs.
import * as pulumi from "@pulumi/pulumi";
import { isPending } from "./readArgs.ts";

type Tree = Record<string, unknown>;

/**
 * Lists of a pod template that merge by a key; all others are replaced (`x-kubernetes-patch-merge-key` of Kubernetes'
 * OpenAPI).
 */
const MERGE_KEYS: Record<string, string> = {
  containers: "name",
  initContainers: "name",
  ephemeralContainers: "name",
  volumes: "name",
  imagePullSecrets: "name",
  hostAliases: "ip",
  topologySpreadConstraints: "topologyKey",
  schedulingGates: "name",
  resourceClaims: "name",
  env: "name",
  ports: "containerPort",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
  ownerReferences: "uid",
};
/** Lists of plain values that grow instead of being replaced. */
const MERGED_VALUES = new Set(["finalizers"]);

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !isPending(value);

/**
 * Merges a patch into a value: objects key by key, `null` deletes, `$patch: replace` replaces, lists as Kubernetes
 * does.
 */
export function strategicMerge(target: unknown, patch: unknown, field = ""): unknown {
  if (isPending(patch) || (isPending(target) && typeof patch === "object"))
    return pulumi.all([target, patch]).apply(([known, change]) => strategicMerge(known, change, field));
  if (Array.isArray(patch)) return mergeList(Array.isArray(target) ? target : [], patch, field);
  if (!isTree(patch)) return patch;
  const { $patch: directive, $retainKeys: retained, ...changes } = patch;
  if (directive === "replace") return strategicMerge({}, changes);
  const merged: Tree = isTree(target) ? { ...target } : {};
  if (Array.isArray(retained)) for (const key of Object.keys(merged)) if (!retained.includes(key)) delete merged[key];
  for (const [key, value] of Object.entries(changes)) {
    if (value === null || (isTree(value) && value.$patch === "delete")) delete merged[key];
    else merged[key] = strategicMerge(merged[key], value, key);
  }
  return merged;
}

function mergeList(target: unknown[], patch: unknown[], field: string): unknown[] {
  const key = MERGE_KEYS[field];
  if (key === undefined) return MERGED_VALUES.has(field) ? [...new Set([...target, ...patch])] : patch;
  const items = patch.filter(isTree);
  if (items.some((item) => item.$patch === "replace")) return items.filter((item) => item.$patch !== "replace");
  const isNamed = (name: unknown) => (item: unknown) => isTree(item) && item[key] === name;
  const deleted = items.filter((item) => item.$patch === "delete");
  const kept = target.filter((item) => !deleted.some((gone) => isNamed(gone[key])(item)));
  const changed = items
    .filter((item) => item.$patch !== "delete")
    .map((item) => strategicMerge(kept.find(isNamed(item[key])) ?? {}, item));
  const others = kept.filter((item) => !changed.some((one) => isNamed((one as Tree)[key])(item)));
  return interleave(others, changed, (item) => target.findIndex(isNamed((item as Tree)[key])));
}

/** Both lists as one: items keep their order, and new ones come first, as the API server has it. */
function interleave(others: unknown[], changed: unknown[], place: (item: unknown) => number): unknown[] {
  const merged = [];
  const [left, right] = [[...others], [...changed]];
  while (left.length > 0 && right.length > 0) {
    const isBefore = place(right[0]) >= 0 && place(left[0]) < place(right[0]);
    merged.push((isBefore ? left : right).shift());
  }
  return [...merged, ...left, ...right];
}
