// The stack that `npm start` runs.
import { join } from "node:path";
import { execa } from "execa";
import { platformEnvironment } from "../host/platformEnvironment.ts";
import { UserError } from "../../cli/errors.ts";
import { root, type StackLocation } from "../../cli/stack/findStack.ts";
import { capturePulumi, failure } from "../../cli/stack/pulumi.ts";

/** Runs a script of this project with the Node.js that runs this one. */
export function script(path: string, ...args: string[]) {
  return execa(process.execPath, [join(root, path), ...args], { cwd: root, stdio: "inherit", reject: false });
}

/** A stack of this program. */
export type DevStack = StackLocation & { stack: string };

/**
 * The stack `dev`, on the local platform, in a backend of the platform's own. Its settings file is the checkout's, as
 * for a `pulumi` that a person runs there. The file has the salt of the platform's passphrase, so that no run writes
 * into it.
 */
export function devStack(): DevStack {
  return { program: root, stack: "dev", env: platformEnvironment() };
}

/** True if its backend has the stack. */
export async function exists({ stack, program, env }: DevStack): Promise<boolean> {
  const list = await capturePulumi({ program, env }, ["stack", "ls", "--json"]);
  if (list.exitCode !== 0) throw new UserError(`cannot list the stacks: ${failure(list)}`);
  return (JSON.parse(list.stdout) as { name: string }[]).some(({ name }) => name === stack);
}

/** Makes the stack if there is none yet. */
export async function prepareStack(location: DevStack): Promise<void> {
  if (await exists(location)) return;
  const init = await capturePulumi({ program: location.program, env: location.env }, ["stack", "init", location.stack]);
  if (init.exitCode !== 0) throw new UserError(`cannot make the stack ${location.stack}: ${failure(init)}`);
}
