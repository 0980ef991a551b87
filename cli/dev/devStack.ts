// The stack that `npm start` runs: on the local platform, in a backend of the platform's own, with its settings
// beside it, so that the checkout stays clean.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { environment } from "../../local/host/environment.ts";
import { stateDir } from "../../local/paths.ts";
import { UserError } from "../errors.ts";
import { root, type StackLocation } from "../stack/location.ts";
import { capturePulumi, failure } from "../stack/pulumi.ts";

const STACK = "dev";

/** Runs a script of this project with the Node.js that runs this one. */
export function script(path: string, ...args: string[]) {
  return execa(process.execPath, [join(root, path), ...args], { cwd: root, stdio: "inherit", reject: false });
}

/** The stack `dev`, with a settings file of its own. */
export type DevStack = StackLocation & { stack: string; configFile: string };

/**
 * Where the stack `dev` is. Its settings are a copy of the checkout's, because `pulumi stack init` writes a salt into
 * them.
 */
export function devStack(): DevStack {
  const configFile = join(stateDir, "start", `Pulumi.${STACK}.yaml`);
  return { program: root, stack: STACK, configFile, env: environment() };
}

/** Copies the settings again when the checkout's were edited since. */
function copySettings(configFile: string): void {
  const dir = join(configFile, "..");
  const copied = join(dir, "seen.yaml");
  const wanted = readFileSync(join(root, `Pulumi.${STACK}.yaml`), "utf8");
  mkdirSync(dir, { recursive: true });
  copyFileSync(join(root, "Pulumi.yaml"), join(dir, "Pulumi.yaml"));
  if (existsSync(configFile) && existsSync(copied) && readFileSync(copied, "utf8") === wanted) return;
  const salt = existsSync(configFile) ? /^encryptionsalt: .*$/m.exec(readFileSync(configFile, "utf8"))?.[0] : undefined;
  writeFileSync(configFile, salt ? `${wanted.trimEnd()}\n${salt}\n` : wanted);
  writeFileSync(copied, wanted);
}

/** Makes the stack where there is none yet. */
export async function prepareStack(): Promise<DevStack> {
  const location = devStack();
  copySettings(location.configFile);
  const list = await capturePulumi({ program: root, env: location.env }, ["stack", "ls", "--json"]);
  if (list.exitCode !== 0) throw new UserError(`cannot list the stacks: ${failure(list)}`);
  const stacks = JSON.parse(list.stdout) as { name: string }[];
  if (!stacks.some(({ name }) => name === STACK)) {
    const folder = join(location.configFile, "..");
    const init = await capturePulumi({ program: folder, env: location.env }, ["stack", "init", STACK]);
    if (init.exitCode !== 0) throw new UserError(`cannot make the stack ${STACK}: ${failure(init)}`);
  }
  return location;
}
