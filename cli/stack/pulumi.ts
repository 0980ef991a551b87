import { spawn } from "node:child_process";
import { once } from "node:events";
import { firstLine, UserError } from "../errors.ts";
import { root, type StackLocation } from "./findStack.ts";

/** Output and end of a run of Pulumi. */
export interface PulumiRun {
  exitCode: number;
  stdout: string;
  stderr: string;
}

const USES_CONFIG = new Set(["up", "preview", "refresh", "destroy", "config"]);

/** Arguments and options for a run of Pulumi on a stack, in its program's folder. */
export function pulumiCommand({ stack, configFile, program, env }: StackLocation, args: string[]) {
  const all = [...args];
  if (stack !== undefined) all.push("--stack", stack);
  if (configFile !== undefined && USES_CONFIG.has(args[0]!)) all.push("--config-file", configFile);
  return {
    args: all,
    options: { cwd: program, env: { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true", ...env } },
  };
}

function notFound(error: unknown, location: StackLocation): never {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  const start = location.program === root ? ", or run `npm start` first" : "";
  throw new UserError(`pulumi is not on PATH; install it (https://www.pulumi.com/docs/install/)${start}`);
}

/** Runs Pulumi and collects what it prints. @throws UserError if there is no Pulumi. */
export async function capturePulumi(location: StackLocation, args: string[]): Promise<PulumiRun> {
  const command = pulumiCommand(location, [...args, "--non-interactive"]);
  const child = spawn("pulumi", command.args, { ...command.options, stdio: ["ignore", "pipe", "pipe"] });
  const output: Record<"stdout" | "stderr", Buffer[]> = { stdout: [], stderr: [] };
  child.stdout.on("data", (data: Buffer) => output.stdout.push(data));
  child.stderr.on("data", (data: Buffer) => output.stderr.push(data));
  const [exitCode] = (await once(child, "close").catch((error) => notFound(error, location))) as [number | null];
  const text = (parts: Buffer[]) => Buffer.concat(parts).toString();
  return { exitCode: exitCode ?? 1, stdout: text(output.stdout), stderr: text(output.stderr) };
}

/** Runs Pulumi in sight of the user. @param output File descriptor for its standard output. @returns Its exit code. */
export async function showPulumi(location: StackLocation, args: string[], output = 1): Promise<number> {
  const command = pulumiCommand(location, args);
  const child = spawn("pulumi", command.args, { ...command.options, stdio: ["ignore", output, 2] });
  // A Ctrl-C reaches Pulumi directly, which then ends the update in its own way.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    const [exitCode] = (await once(child, "close").catch((error) => notFound(error, location))) as [number | null];
    return exitCode ?? 1;
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** Reason why a run of Pulumi failed, in one line. */
export function failure({ stderr, stdout }: PulumiRun): string {
  return firstLine(stderr || stdout).replace(/^error: /, "") || "it gave no reason";
}
