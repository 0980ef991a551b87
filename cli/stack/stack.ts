import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { execa, type Options } from "execa";
import { foreseen } from "./predictedOutputs.ts";
import type { StackOutputs } from "./outputs.ts";
import { firstLine, UserError } from "../errors.ts";

/** Where a stack is, and what it takes to run Pulumi on it. */
export interface StackLocation {
  /** Its name; without one the stack that is selected. */
  stack?: string;
  /** The stack's settings file, where it is not the checkout's own. */
  configFile?: string;
  /** Environment variables beside this process's. */
  env: Record<string, string>;
}

const root = join(import.meta.dirname, "../..");
const note = join(root, ".state", "stack.json");
/** Any of these says that somebody chose where Pulumi looks. */
const CHOSEN = ["PULUMI_STACK", "PULUMI_BACKEND_URL", "PULUMI_ACCESS_TOKEN", "PULUMI_HOME"];

/** Leaves word of the stack that `npm start` runs, for the other commands. */
export function remember(home: StackLocation): void {
  mkdirSync(dirname(note), { recursive: true });
  writeFileSync(note, JSON.stringify(home, null, 2));
}

/** Takes that word back. */
export function forget(): void {
  rmSync(note, { force: true });
}

/** The stack that is asked for, or was chosen by the environment, or was left by `npm start`, or is selected. */
export function findStack(stack?: string, environment: NodeJS.ProcessEnv = process.env): StackLocation {
  if (stack === undefined && CHOSEN.some((name) => environment[name])) {
    return environment.PULUMI_STACK ? { stack: environment.PULUMI_STACK, env: {} } : { env: {} };
  }
  const left = existsSync(note) ? (JSON.parse(readFileSync(note, "utf8")) as StackLocation) : undefined;
  if (left && (stack === undefined || stack === left.stack)) return left;
  return stack === undefined ? { env: {} } : { stack, env: {} };
}

/** Runs Pulumi on the stack, in the project's folder. Rejects with execa's error when it fails. */
export function pulumi<T extends Options>(home: StackLocation, args: string[], options?: T) {
  const at = home.stack ? ["--stack", home.stack] : [];
  const config =
    home.configFile && ["up", "preview", "config"].includes(args[0]!) ? ["--config-file", home.configFile] : [];
  const env = { PULUMI_SKIP_UPDATE_CHECK: "true", ...home.env };
  return execa("pulumi", [...args, ...at, ...config], { cwd: root, ...options, env });
}

/** What the stack exports, or will export at the end of its first `up`; {@link UserError} where there is no such stack, or no Pulumi. */
export async function stackOutputs(home: StackLocation): Promise<StackOutputs> {
  const which = home.stack ? `stack ${home.stack}` : "the current stack";
  let text: unknown;
  try {
    const ran = await pulumi(home, ["stack", "output", "--json", "--show-secrets", "--non-interactive"]);
    text = ran.stdout;
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === "ENOENT") throw new UserError("pulumi is not on PATH; install it, or run `npm start` first");
    const why = firstLine(stderr ?? error).replace(/^error: /, "");
    if (/no stack (named|selected)|no current stack|no Pulumi\.yaml/i.test(why)) {
      throw new UserError(`no stack: ${why}; run \`npm start\`, \`pulumi stack select NAME\`, or give --stack NAME`);
    }
    throw new UserError(`cannot read the outputs of ${which}: ${why}`);
  }
  const outputs = JSON.parse(String(text)) as Partial<StackOutputs>;
  if (outputs.queue) return outputs as StackOutputs;
  try {
    const ran = await pulumi(home, ["config", "--json", "--show-secrets", "--non-interactive"]);
    return foreseen(JSON.parse(String(ran.stdout)) as Record<string, { value?: string }>);
  } catch (error) {
    throw new UserError(
      `cannot read the settings of ${which}: ${firstLine((error as { stderr?: string }).stderr ?? error)}`,
    );
  }
}
