// Code without an image of its own: the bundle travels in a ConfigMap and runs in an unmodified base image.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "../../config/parse.ts";
import type { Labels } from "../labels.ts";
import { containerSecurity } from "../podSecurity.ts";

type Volume = k8s.types.input.core.v1.Volume;
type Container = k8s.types.input.core.v1.Container;

/** A file of the code. */
interface CodeFile {
  /** `app/…` or `files/…`. */
  path: string;
  content: Buffer;
  mode: number;
}

/** Files of an image that is not built. */
export interface Code {
  files: CodeFile[];
  /** Changes with any of them. */
  digest: string;
  /** Node.js comes from another image. */
  bringsNode: boolean;
}

/** What a pod needs to run code. */
export interface CodeParts {
  volumes: Volume[];
  initContainers: Container[];
  volumeMounts: k8s.types.input.core.v1.VolumeMount[];
  env: k8s.types.input.core.v1.EnvVar[];
  workingDir: string;
  /** Path of Node.js. */
  node: string;
}

/** Kubernetes takes at most 1 MiB in a ConfigMap; a little is left for names. */
const MAX_BYTES = 1_000_000;
const NODE_IMAGE = "node:24-slim";
const NODE_DIR = "/wq";

/** Reads the files of a staged folder. @param bringsNode Whether Node.js must come from another image. */
export function readCode(context: string, bringsNode: boolean): Code {
  const paths = ["app", "files"].flatMap((folder) =>
    readdirSync(join(context, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const files = paths
    .sort()
    .map((path) => ({ path: relative(context, path), content: readFileSync(path), mode: statSync(path).mode & 0o777 }));
  const digest = createHash("sha256");
  for (const { path, content, mode } of files) digest.update(`${path}\0${mode}\0${content.length}\0`).update(content);
  return { files, digest: digest.digest("hex").slice(0, 16), bringsNode };
}

/** Whether they fit into a ConfigMap. */
export const fits = ({ files }: Code): boolean => sizeOf(files) <= MAX_BYTES;

/** @throws ConfigError for code that does not fit into a ConfigMap. */
export function checkFits({ files }: Code): void {
  const bytes = sizeOf(files);
  if (bytes <= MAX_BYTES) return;
  const [largest] = files.toSorted((a, b) => b.content.length - a.content.length);
  throw new ConfigError(
    `The code has ${kib(bytes)} (${largest!.path} alone ${kib(largest!.content.length)}), and without an image at most ${kib(MAX_BYTES)} can travel: set \`imageName\`, to build one and push it.`,
  );
}

const sizeOf = (files: CodeFile[]) => files.reduce((sum, { content }) => sum + content.length, 0);
const kib = (bytes: number) => `${Math.ceil(bytes / 1024)} KiB`;

/**
 * The ConfigMap, under a name that changes with its content: a pod that restarts during an `up` runs wholly old or
 * wholly new code.
 */
export function makeCodeVolume(
  resource: string,
  { files, digest, bringsNode }: Code,
  { name, namespace, labels }: { name: string; namespace: pulumi.Input<string>; labels: Labels },
  opts: pulumi.CustomResourceOptions,
): CodeParts {
  // A key has no slash, a path may have some.
  const keyed = files.map((file, index) => ({
    ...file,
    key: `${index}-${file.path.replaceAll(/[^\w.-]/g, "-")}`.slice(0, 253),
  }));
  const map = new k8s.core.v1.ConfigMap(
    resource,
    {
      metadata: { name: `${name}-code-${digest}`, namespace, labels },
      binaryData: Object.fromEntries(keyed.map(({ key, content }) => [key, content.toString("base64")])),
      immutable: true,
    },
    opts,
  );
  const mount = (volume: string, folder: string): Volume => {
    const items = keyed
      .filter(({ path }) => path.startsWith(`${folder}/`))
      .map(({ key, path, mode }) => ({ key, path: path.slice(folder.length + 1), mode }));
    return items.length > 0
      ? { name: volume, configMap: { name: map.metadata.name, items } }
      : { name: volume, emptyDir: {} };
  };
  const parts: CodeParts = {
    volumes: [mount("app", "app"), mount("work", "files")],
    initContainers: [],
    volumeMounts: [
      { name: "app", mountPath: "/app", readOnly: true },
      { name: "work", mountPath: "/work" },
    ],
    env: [
      { name: "NODE_ENV", value: "production" },
      { name: "HOME", value: "/tmp" },
    ],
    workingDir: "/work",
    node: "node",
  };
  return bringsNode ? withNode(parts) : parts;
}

/** Adds an init container that copies Node.js, and two libraries that the base image may lack, into a volume. */
function withNode(parts: CodeParts): CodeParts {
  const copy: Container = {
    name: "node",
    image: NODE_IMAGE,
    command: [
      "sh",
      "-c",
      `cp /usr/local/bin/node /usr/lib/*-linux-gnu/libstdc++.so.6 /usr/lib/*-linux-gnu/libgcc_s.so.1 ${NODE_DIR}/`,
    ],
    resources: { requests: { cpu: "50m", memory: "32Mi" }, limits: { cpu: "500m", memory: "128Mi" } },
    securityContext: containerSecurity,
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: [{ name: "node", mountPath: NODE_DIR }],
  };
  return {
    ...parts,
    volumes: [...parts.volumes, { name: "node", emptyDir: {} }],
    initContainers: [copy],
    volumeMounts: [...parts.volumeMounts, { name: "node", mountPath: NODE_DIR, readOnly: true }],
    // Not for commands: worker/commandEnvironment.ts removes it.
    env: [...parts.env, { name: "LD_LIBRARY_PATH", value: NODE_DIR }],
    node: `${NODE_DIR}/node`,
  };
}
