// Pulumi and kubectl: the machine's own if they are new enough, else downloaded or built, and linked in `binDir`.
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import semver from "semver";
import { which } from "./apt.ts";
import { provide } from "./platformParts.ts";
import { binDir } from "../paths.ts";
import { oldestPulumi } from "../versions.ts";

async function foundPulumi(): Promise<string | undefined> {
  const path = which("pulumi");
  if (!path || path.startsWith(binDir) || !which("pulumi-language-nodejs")) return undefined;
  const { stdout } = await execa(path, ["version"], { reject: false, env: { PULUMI_SKIP_UPDATE_CHECK: "true" } });
  const version = semver.coerce(stdout);
  return version && semver.gte(version, oldestPulumi) ? `${dirname(path)}, ${stdout?.trim()}` : undefined;
}

function link(from: string): void {
  mkdirSync(binDir, { recursive: true });
  for (const name of readdirSync(from)) {
    rmSync(join(binDir, name), { force: true });
    symlinkSync(join(from, name), join(binDir, name));
  }
}

function unlink(...names: string[]): void {
  for (const name of names) rmSync(join(binDir, name), { force: true });
}

/** The Pulumi CLI with its Node.js language host. */
export async function providePulumi(): Promise<string> {
  const found = await foundPulumi();
  if (found) {
    unlink("pulumi", "pulumi-language-nodejs");
    return `the machine's: ${found}`;
  }
  const { dir, how } = await provide("pulumi");
  // A release has the hosts of all languages, and they are as new as itself.
  if (!existsSync(join(dir, "pulumi-language-python"))) wrapLanguageHost(dir);
  link(dir);
  return how;
}

/**
 * Tells the built language host the `runtime` of Pulumi.yaml. Go's module proxy has only a host that is older than the
 * protocol by which Pulumi tells this; it would load TypeScript's compiler for nothing.
 */
function wrapLanguageHost(dir: string): void {
  const command = join(dir, "pulumi-language-nodejs");
  const built = join(dir, "built-language-nodejs");
  if (existsSync(built)) return;
  renameSync(command, built);
  const script = `#!/bin/sh
grep -qs 'typescript: false' Pulumi.yaml && set -- -typescript=false "$@"
exec '${built}' -nodeargs="$(sed -n 's/^ *nodeargs: *//p' Pulumi.yaml 2>/dev/null)" "$@"
`;
  writeFileSync(command, script, { mode: 0o755 });
}

/** kubectl, for the user's shell and for the tests; the program does without. */
export async function provideKubectl(): Promise<string> {
  const path = which("kubectl");
  if (path && !path.startsWith(binDir)) {
    unlink("kubectl");
    return `the machine's: ${path}`;
  }
  const { dir, how } = await provide("kubectl");
  link(dir);
  return how;
}
