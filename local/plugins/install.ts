// Puts the two resource plugins into a PULUMI_HOME: the official ones where the user has them or the download works,
// else small ones of our own.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { bundle } from "../host/bundle.ts";
import { cached, hash } from "../host/cache.ts";
import { download } from "../host/releases.ts";
import { pluginVersions } from "./versions.ts";

/** What the engine needs of a plugin is an executable of this name. */
async function makePlugin(name: string, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  // What only a program needs of the SDK, and what only ssh needs of the Docker client.
  const external = ["typescript", "ts-node", "cpu-features"];
  await bundle(join(import.meta.dirname, name, "main.ts"), join(target, "plugin.mjs"), external);
  const script = join(target, `pulumi-resource-${name}`);
  const lines = [
    "#!/bin/sh",
    'dir=$(dirname "$0")',
    'export NODE_COMPILE_CACHE="$dir/compiled"',
    `exec '${process.execPath}' "$dir/plugin.mjs" "$@"`,
  ];
  writeFileSync(script, `${lines.join("\n")}\n`);
  chmodSync(script, 0o755);
}

async function install(pulumiHome: string, name: keyof typeof pluginVersions): Promise<string> {
  const folder = `resource-${name}-v${pluginVersions[name]}`;
  const target = join(pulumiHome, "plugins", folder);
  const stamp = join(target, "source-hash");
  // Pulumi passes over a plugin's folder that is a link itself.
  const link = (to: string) => {
    rmSync(target, { recursive: true, force: true });
    mkdirSync(target, { recursive: true });
    for (const file of readdirSync(to)) symlinkSync(join(to, file), join(target, file));
  };
  const official = join(homedir(), ".pulumi", "plugins", folder);
  if (existsSync(official)) {
    link(official);
    return `${name}: official, from the machine`;
  }
  const key = hash(
    [process.execPath, readFileSync(join(import.meta.dirname, "..", "..", "package-lock.json"), "utf8")],
    [import.meta.dirname],
  );
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === key) return `${name}: our own, there already`;
  try {
    link((await cached(`plugin-${name}`, pluginVersions[name], (half) => downloadOrThrow(`plugin-${name}`, half))).dir);
    return `${name}: official, downloaded`;
  } catch (error) {
    if (!(error instanceof NotReachable)) throw error;
  }
  rmSync(target, { recursive: true, force: true });
  await makePlugin(name, target);
  writeFileSync(stamp, key);
  return `${name}: our own`;
}

class NotReachable extends Error {}

async function downloadOrThrow(part: string, dir: string): Promise<void> {
  if (!(await download(part, dir))) throw new NotReachable();
}

/** Installs both. @returns A line for each: where it is from. */
export function installPlugins(pulumiHome: string): Promise<string[]> {
  return Promise.all((["kubernetes", "docker"] as const).map((name) => install(pulumiHome, name)));
}
