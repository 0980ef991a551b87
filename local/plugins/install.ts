// Puts the two resource plugins into a PULUMI_HOME: the official ones, if the user has them or the download works.
// Otherwise that of Kubernetes is built from its source. Docker's is on no module proxy, so a small one of our own
// replaces it.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { bundle } from "../host/bundle.ts";
import { cached, hash } from "../host/cache.ts";
import { provide } from "../host/platformParts.ts";
import { download } from "../host/releases.ts";
import { kubernetesProvider } from "../versions.ts";
import { pluginVersions } from "../pluginVersions.ts";

type Name = keyof typeof pluginVersions;

/** A plugin on this machine: its folder, and what it is. */
interface Plugin {
  dir: string;
  is: string;
}

const names = ["kubernetes", "docker"] as const;
const folderOf = (name: Name) => `resource-${name}-v${pluginVersions[name]}`;
/** File beside a plugin that says what it is, for `status`. */
const NOTE = "job-wq-2-note";

/** The replacement for Docker's plugin. The engine needs only an executable of this name. */
async function makeDockerPlugin(half: string): Promise<void> {
  // Modules that only a Pulumi program needs, and those that only ssh needs.
  const external = ["typescript", "ts-node", "cpu-features"];
  await bundle(join(import.meta.dirname, "docker/main.ts"), join(half, "plugin.mjs"), external);
  const script = join(half, "pulumi-resource-docker");
  const lines = [
    "#!/bin/sh",
    'dir=$(dirname "$(readlink -f "$0")")',
    'export NODE_COMPILE_CACHE="$dir/compiled"',
    `exec '${process.execPath}' "$dir/plugin.mjs" "$@"`,
  ];
  writeFileSync(script, `${lines.join("\n")}\n`);
  chmodSync(script, 0o755);
}

const find: Record<Name, () => Promise<Plugin>> = {
  async kubernetes() {
    const { dir, how } = await provide("plugin-kubernetes");
    // A release has no schema beside it.
    const isBuilt = existsSync(join(dir, "schema.json"));
    const source = kubernetesProvider.version.replace(/^.*-(\d{4})(\d\d)(\d\d)\d*-/, "source of $1-$2-$3, ");
    const is = isBuilt ? `official, ${source}` : `official, ${pluginVersions.kubernetes}`;
    return { dir, is: how === "from the cache" ? is : `${is}, ${how}` };
  },
  async docker() {
    const version = pluginVersions.docker;
    const isDownloaded = async (half: string) => {
      if (!(await download("plugin-docker", half))) throw new NotReachable();
    };
    try {
      return { dir: (await cached("plugin-docker", version, isDownloaded)).dir, is: `official, ${version}` };
    } catch (error) {
      if (!(error instanceof NotReachable)) throw error;
    }
    const lock = readFileSync(join(import.meta.dirname, "../../package-lock.json"), "utf8");
    const key = hash([process.execPath, lock], [import.meta.dirname]);
    return { dir: (await cached("own-plugin-docker", key, makeDockerPlugin)).dir, is: "our own" };
  },
};

class NotReachable extends Error {}

async function install(pulumiHome: string, name: Name): Promise<string> {
  const official = join(homedir(), ".pulumi/plugins", folderOf(name));
  const { dir, is } = existsSync(official) ? { dir: official, is: "official, the machine's" } : await find[name]();
  const target = join(pulumiHome, "plugins", folderOf(name));
  const program = join(target, `pulumi-resource-${name}`);
  const isThere = existsSync(program) && realpathSync(program).startsWith(`${realpathSync(dir)}/`);
  if (!isThere) {
    // Pulumi passes over a plugin's folder that is a link itself.
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    for (const file of readdirSync(dir)) symlinkSync(join(dir, file), join(target, file));
  }
  writeFileSync(join(target, NOTE), is.replace(/, (built|downloaded)$/, ""));
  return `${name}: ${is}`;
}

/** Installs both. @returns A line for each: what it is. */
export function installPlugins(pulumiHome: string): Promise<string[]> {
  return Promise.all(names.map((name) => install(pulumiHome, name)));
}

/** The plugins in a PULUMI_HOME, and what each is: the folder of a replacement has the official name. */
export function installedPlugins(pulumiHome: string): { name: Name; is: string }[] {
  return names.flatMap((name) => {
    const note = join(pulumiHome, "plugins", folderOf(name), NOTE);
    return existsSync(note) ? [{ name, is: readFileSync(note, "utf8") }] : [];
  });
}
