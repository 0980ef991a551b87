// Packages that a bundle cannot hold whole: native code, and files that they look for beside themselves.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";
import { ConfigError } from "../config/parse.ts";

/** Fields of a package.json that tell how it is built, and which packages it can do without. */
interface Manifest {
  name?: string;
  gypfile?: boolean;
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

const BUILDERS = /^(bindings|node-gyp-build|(@mapbox\/)?node-pre-gyp|prebuild-install|node-addon-api)$/;
const PLATFORM = /linux(musl)?-(x64|arm64)/;
/** They read files of their own folder, which no manifest tells. */
const READS_FILES = /^playwright(-core)?$/;

/** The folder of the package that a file is in; empty for the user's own. */
const packageOf = (path: string) => /^.*node_modules\/(@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? "";

function isWhole({ name = "", gypfile, scripts, dependencies, optionalDependencies }: Manifest): boolean {
  return !(
    gypfile ||
    READS_FILES.test(name) ||
    /node-gyp|prebuild|node-pre-gyp/.test(scripts?.install ?? "") ||
    Object.keys(dependencies ?? {}).some((other) => BUILDERS.test(other)) ||
    Object.keys(optionalDependencies ?? {}).some((other) => PLATFORM.test(other))
  );
}

function manifestOf(folder: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  } catch {
    return {}; // a folder that is no package
  }
}

/** True if a package works without another one. */
const isOptional = ({ optionalDependencies = {}, peerDependenciesMeta = {} }: Manifest, name: string) =>
  name in optionalDependencies || peerDependenciesMeta[name]?.optional === true;

/**
 * Refuses what would fail in the pod. An optional import of a package is harmless.
 * @throws ConfigError that names the package and the way.
 */
export function checkWhole({ inputs }: Metafile, handler: string): void {
  const manifests = new Map<string, Manifest>([["", {}]]);
  const needed = [""];
  const files = Map.groupBy(Object.entries(inputs), ([path]) => packageOf(path));
  for (const folder of needed) {
    const manifest = manifests.get(folder)!;
    if (!isWhole(manifest))
      throw new ConfigError(
        `${handler} imports ${manifest.name}, which a bundle cannot hold whole (native code, or files of its own): let it be a \`command\` in a \`baseImage\` in which ${manifest.name} is installed.`,
      );
    const imported = (files.get(folder) ?? []).flatMap(([, { imports }]) => imports);
    for (const other of new Set(imported.map(({ path }) => packageOf(path)))) {
      if (manifests.has(other)) continue;
      const read = manifestOf(other);
      if (isOptional(manifest, read.name ?? "")) continue;
      manifests.set(other, read);
      needed.push(other);
    }
  }
}
