// Puts the two resource plugins into a PULUMI_HOME: the official ones where the user has them or the download works, else small ones of our
// own.
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { bundle } from "../host/bundle.ts";
import { hash } from "../host/cache.ts";
import { pluginVersions } from "./versions.ts";

/** What the engine needs of a plugin is an executable of this name. */
async function makePlugin(name: string, target: string): Promise<void> {
  mkdirSync(target, { recursive: true });
  // What only a program needs of the SDK, and what only ssh needs of the Docker client.
  const external = ["typescript", "ts-node", "cpu-features"];
  await bundle(join(import.meta.dirname, name, "main.ts"), join(target, "plugin.mjs"), external);
  const script = join(target, `pulumi-resource-${name}`);
  writeFileSync(script, `#!/bin/sh\nexec '${process.execPath}' "$(dirname "$0")/plugin.mjs" "$@"\n`);
  chmodSync(script, 0o755);
}

/** Tries a download once in a PULUMI_HOME: where it does not work, it will not at the next `up` either. */
async function download(pulumiHome: string, name: string, version: string): Promise<boolean> {
  const tried = join(pulumiHome, `no-download-${name}-${version}`);
  if (existsSync(tried)) return false;
  const env = { PULUMI_HOME: pulumiHome, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const args = ["plugin", "install", "resource", name, version];
  const { failed } = await execa(join(pulumiHome, "..", "bin", "pulumi"), args, {
    env,
    reject: false,
    timeout: 60_000,
  });
  if (failed) writeFileSync(tried, "");
  return !failed;
}

async function install(pulumiHome: string, name: string, version: string): Promise<string> {
  const folder = `resource-${name}-v${version}`;
  const target = join(pulumiHome, "plugins", folder);
  const official = join(homedir(), ".pulumi", "plugins", folder);
  const stamp = join(target, "source-hash");
  mkdirSync(join(pulumiHome, "plugins"), { recursive: true });
  if (existsSync(official)) {
    rmSync(target, { recursive: true, force: true });
    symlinkSync(official, target);
    return `${name}: official, from the machine`;
  }
  const key = hash(
    [process.execPath, readFileSync(join(import.meta.dirname, "..", "..", "package-lock.json"), "utf8")],
    [import.meta.dirname],
  );
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === key) return `${name}: our own, there already`;
  const binary = join(target, `pulumi-resource-${name}`);
  if (existsSync(binary) && !existsSync(join(target, "plugin.mjs"))) return `${name}: official, downloaded before`;
  rmSync(target, { recursive: true, force: true });
  if (await download(pulumiHome, name, version)) return `${name}: official, downloaded`;
  await makePlugin(name, target);
  writeFileSync(stamp, key);
  return `${name}: our own`;
}

/** Installs both. @returns A line for each: where it is from. */
export async function installPlugins(pulumiHome: string): Promise<string[]> {
  const lines = [];
  for (const [name, version] of Object.entries(pluginVersions)) lines.push(await install(pulumiHome, name, version));
  return lines;
}
