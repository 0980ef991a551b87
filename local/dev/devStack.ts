// The stacks that `npm start` runs, with their settings beside their state, so that the checkout stays clean.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { environment } from "../host/environment.ts";
import { stateDir } from "../paths.ts";
import { UserError } from "../../cli/errors.ts";
import { root, type StackLocation } from "../../cli/stack/location.ts";
import { capturePulumi, failure } from "../../cli/stack/pulumi.ts";

/** Runs a script of this project with the Node.js that runs this one. */
export function script(path: string, ...args: string[]) {
  return execa(process.execPath, [join(root, path), ...args], { cwd: root, stdio: "inherit", reject: false });
}

/** A stack of this program with a settings file of its own, alone in its folder. */
export type DevStack = StackLocation & { stack: string; configFile: string };

/** The stack `dev`, on the local platform, in a backend of the platform's own. */
export function devStack(): DevStack {
  const configFile = join(stateDir, "start", "Pulumi.dev.yaml");
  return { program: root, stack: "dev", configFile, env: environment() };
}

/** The settings of the stack `dev`. */
export const devSettings = (): string => readFileSync(join(root, "Pulumi.dev.yaml"), "utf8");

/**
 * Writes the settings again when they were edited since. They are a copy, because `pulumi stack init` writes a salt
 * into them.
 */
function writeSettings(configFile: string, settings: string): void {
  const dir = dirname(configFile);
  const copied = join(dir, "seen.yaml");
  mkdirSync(dir, { recursive: true });
  copyFileSync(join(root, "Pulumi.yaml"), join(dir, "Pulumi.yaml"));
  if (existsSync(configFile) && existsSync(copied) && readFileSync(copied, "utf8") === settings) return;
  const salt = existsSync(configFile) ? /^encryptionsalt: .*$/m.exec(readFileSync(configFile, "utf8"))?.[0] : undefined;
  writeFileSync(configFile, salt ? `${settings.trimEnd()}\n${salt}\n` : settings);
  writeFileSync(copied, settings);
}

/** Whether its backend has the stack. */
export async function exists({ stack, program, env }: DevStack): Promise<boolean> {
  const list = await capturePulumi({ program, env }, ["stack", "ls", "--json"]);
  if (list.exitCode !== 0) throw new UserError(`cannot list the stacks: ${failure(list)}`);
  return (JSON.parse(list.stdout) as { name: string }[]).some(({ name }) => name === stack);
}

/** Makes the stack where there is none yet, and gives it these settings. */
export async function prepareStack(location: DevStack, settings: string): Promise<void> {
  const { stack, configFile, env } = location;
  writeSettings(configFile, settings);
  if (await exists(location)) return;
  const init = await capturePulumi({ program: dirname(configFile), env }, ["stack", "init", stack]);
  if (init.exitCode !== 0) throw new UserError(`cannot make the stack ${stack}: ${failure(init)}`);
}
