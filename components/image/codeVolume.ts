// Code without an image of its own: the bundle travels in a ConfigMap and runs in an unmodified base image.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative, sep } from "node:path";
import * as k8s from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";
import { MAX_FILES_BYTES } from "../../config/configMap.ts";
import { ConfigError } from "../../config/parse.ts";
import type { Labels } from "../labels.ts";
import type { Known } from "../types.ts";
import { type CodeParts, copyNode, installPackages } from "./initContainers.ts";
import { CODE_DIR, WORK_DIR } from "./layout.ts";

type Volume = k8s.types.input.core.v1.Volume;

/** A file of the code. */
interface CodeFile {
  /** `code/…` or `files/…`. */
  path: string;
  content: Buffer;
  mode: number;
}

/** Files of an image that is not built. */
export interface Code {
  files: CodeFile[];
  /** Changes with any of them. */
  digest: string;
  /** The image that Node.js comes from, if the base image has none. */
  nodeImage: Known<string> | undefined;
}

/** Reads the files of a staged folder. @param nodeImage Where Node.js comes from, if not from the base image. */
export function readCode(context: string, nodeImage: Known<string> | undefined): Code {
  const folders = ["code", "files"].filter((folder) => existsSync(join(context, folder)));
  const paths = folders.flatMap((folder) =>
    readdirSync(join(context, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const files = paths.sort().map((path) => ({
    path: relative(context, path).replaceAll(sep, "/"),
    content: readFileSync(path),
    mode: statSync(path).mode & 0o777,
  }));
  const digest = createHash("sha256");
  for (const { path, content, mode } of files) digest.update(`${path}\0${mode}\0${content.length}\0`).update(content);
  return { files, digest: digest.digest("hex").slice(0, 16), nodeImage };
}

/** True if they fit into a ConfigMap. */
export const fits = ({ files }: Code): boolean => sizeOf(files) <= MAX_FILES_BYTES;

/** @throws ConfigError for code that does not fit into a ConfigMap. */
export function checkFits({ files }: Code): void {
  const bytes = sizeOf(files);
  if (bytes <= MAX_FILES_BYTES) return;
  const [largest] = files.toSorted((a, b) => b.content.length - a.content.length);
  throw new ConfigError(
    `The code has ${kib(bytes)} (${largest!.path} alone ${kib(largest!.content.length)}), and without an image at most ${kib(MAX_FILES_BYTES)} can travel: set \`imageName\`, to build one and push it.`,
  );
}

const sizeOf = (files: CodeFile[]) => files.reduce((sum, { content }) => sum + content.length, 0);
const kib = (bytes: number) => `${Math.ceil(bytes / 1024)} KiB`;

/**
 * The ConfigMap, under a name that changes with its content. So a pod that restarts during an `up` runs either the old
 * or the new code.
 */
export function makeCodeVolume(
  resource: string,
  { files, nodeImage }: Code,
  image: pulumi.Input<string>,
  metadata: { name: string; namespace: pulumi.Input<string>; labels: Labels },
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
      metadata,
      binaryData: Object.fromEntries(keyed.map(({ key, content }) => [key, content.toString("base64")])),
      immutable: true,
    },
    opts,
  );
  const folder = (volume: string, from: string): Volume => {
    const items = keyed
      .filter(({ path }) => path.startsWith(`${from}/`))
      .map(({ key, path, mode }) => ({ key, path: path.slice(from.length + 1), mode }));
    return { name: volume, configMap: { name: map.metadata.name, items } };
  };
  const parts: CodeParts = {
    volumes: [folder("code", "code")],
    initContainers: [],
    volumeMounts: [{ name: "code", mountPath: CODE_DIR, readOnly: true }],
    workingDir: undefined,
  };
  if (files.some(({ path }) => path.startsWith("files/"))) {
    parts.volumes.push(folder("work", "files"));
    parts.volumeMounts.push({ name: "work", mountPath: WORK_DIR });
    parts.workingDir = WORK_DIR;
  }
  if (files.some(({ path }) => path === "code/requirements.txt")) installPackages(parts, image);
  if (nodeImage !== undefined) copyNode(parts, nodeImage);
  return parts;
}
