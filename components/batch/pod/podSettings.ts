// The user's additions to the workers' pod: the patch, and settings for two frequent needs, claims and shared memory.
import type * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { ConfigError, invalid, isOwnVariable } from "../../../config/parse.ts";
import { knownPart } from "../../cluster/dryRun.ts";
import { WORK_DIR } from "../../image/layout.ts";
import type { WorkerImage } from "../../image/workerImage.ts";
import { strategicMerge } from "../../podPatch.ts";
import { later } from "../../readArgs.ts";
import type { Known } from "../../types.ts";

type PodTemplate = k8s.types.input.core.v1.PodTemplateSpec;
type Tree = Record<string, unknown>;

/** Settings that shape the pod. */
export interface PodSettings {
  /** Volume claims by name, and where they are mounted. */
  claims?: Known<Record<string, unknown>>;
  /** Size of /dev/shm. */
  sharedMemory?: unknown;
  /** A strategic merge patch over the template. */
  pod?: Known<Tree>;
}

const OWN_LABEL =
  /^(app\.kubernetes\.io\/(name|instance|component|managed-by)|job-wq-2\/.*|job-name|controller-uid|batch\.kubernetes\.io\/.*)$/;

const list = (value: unknown) => (Array.isArray(value) ? (value as Tree[]) : []);
const tree = (value: unknown) => (value ?? {}) as Tree;

/** Known values of these settings, from all arguments. */
export function knownSettings({ claims, sharedMemory, pod }: object & { [K in keyof PodSettings]?: unknown }) {
  return knownPart({ claims, sharedMemory, pod }) as PodSettings;
}

/** @returns The patch. @throws ConfigError for a patch of something that the queue depends on. */
export function checkPodPatch<T>(setting: string, patch: T, container = "c"): T {
  const refuse = (path: string, reason: string): never => {
    throw new ConfigError(`Expected \`${setting}\` to leave ${path} alone: ${reason}.`);
  };
  const { metadata, spec } = tree(knownPart(patch));
  const label = Object.keys(tree(tree(metadata).labels)).find((name) => OWN_LABEL.test(name));
  if (label) refuse(`the label ${label}`, "Redis and the Jobs find their pods by it");
  if ("restartPolicy" in tree(spec)) refuse("spec.restartPolicy", "the Job depends on it");
  const [own] = list(tree(spec).containers).filter(({ name }) => name === container);
  if (!own) return patch;
  if (own.$patch === "delete") refuse(`container ${container}`, "it is the worker");
  for (const field of ["command", "args"])
    if (field in own)
      refuse(`${field} of container ${container}`, "it starts the worker; a program of your own is `command`");
  if ("image" in own) refuse(`image of container ${container}`, "that is `image`, `imageName` or `baseImage`");
  const variable = list(own.env).find(({ name }) => isOwnVariable(String(name)));
  if (variable) refuse(`the variable ${String(variable.name)}`, "the worker sets this variable itself");
  return patch;
}

/**
 * Checks that claims leave the user's `files` where they are. In a ConfigMap, nothing can be mounted among them.
 * @throws ConfigError
 */
export function checkClaims(claims: unknown, { hasFiles, image: { code } }: WorkerImage): void {
  for (const [name, path] of Object.entries(hasFiles ? tree(claims) : {})) {
    const place = typeof path === "string" ? path.replace(/\/+$/, "") : "";
    if (place === WORK_DIR || (code && place.startsWith(`${WORK_DIR}/`)))
      invalid(`claims.${name}`, `a path outside of ${WORK_DIR}, where \`files\` are`, path);
  }
}

/** Warns of containers beside the worker: they keep its pod, and so its Job, when the batch is done. */
export function warnOfOthers(component: string, patch: unknown): void {
  const { spec } = tree(knownPart(patch));
  const names = list(tree(spec).containers).map(({ name }) => name as string);
  const other = names.find((name) => name !== "c");
  if (other !== undefined)
    void pulumi.log.warn(
      `${component}: container ${other} of \`pod\` must end by itself, or its pod goes on after the batch: as an init container with \`restartPolicy: Always\` it ends with the worker`,
    );
}

/** The workers' pod template with the user's additions. */
export function customize(
  template: PodTemplate,
  { claims = {}, sharedMemory, pod = {} }: PodSettings,
): pulumi.Input<PodTemplate> {
  const merged = later(claims, (claims) =>
    later(pod, (pod) => strategicMerge(withVolumes(template, claims, sharedMemory), pod)),
  );
  return merged as pulumi.Input<PodTemplate>;
}

/** The template with the claims, and with its share of memory. */
function withVolumes(template: PodTemplate, claims: Tree, sharedMemory: unknown): unknown {
  const volumes: Tree[] = Object.keys(claims).map((claimName) => ({
    name: `claim-${claimName}`,
    persistentVolumeClaim: { claimName },
  }));
  const volumeMounts: Tree[] = Object.entries(claims).map(([claimName, mountPath]) => ({
    name: `claim-${claimName}`,
    mountPath,
  }));
  if (sharedMemory !== undefined) {
    volumes.push({ name: "shared-memory", emptyDir: { medium: "Memory", sizeLimit: sharedMemory } });
    volumeMounts.push({ name: "shared-memory", mountPath: "/dev/shm" });
  }
  const additions = { spec: { volumes, containers: [{ name: "c", volumeMounts }] } };
  return strategicMerge(template, additions);
}
