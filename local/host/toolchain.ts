// Pulumi and kubectl: the machine's own where they are new enough, else downloaded or built, and linked in `binDir`.
import { mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import semver from "semver";
import { which } from "./apt.ts";
import { provide } from "./parts.ts";
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
  link(dir);
  return how;
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
