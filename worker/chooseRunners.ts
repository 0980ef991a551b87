// Choice of the runners, from the user's settings.
import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkCommand } from "./command/checkCommand.ts";
import { commandEnvironment } from "./processes/userEnvironment.ts";
import { type PoolOptions, RunnerPool } from "./runner/pool.ts";
import type { Executable } from "./runner/runner.ts";

/** Variables for handlers in TypeScript: the address of Redis for `resultsOf`, and `workSeconds` of the shipped one. */
const TOLD = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name.startsWith("WQ_REDIS_") || name === "WQ_WORK_SECONDS"),
);

/** The folder of the programs. In a bundle, it holds them all. */
const here = dirname(fileURLToPath(import.meta.url));

/** A file of the programs, by its names in the checkout, in the package, and in a bundle. */
function own(...names: string[]): string {
  return names.map((name) => resolve(here, name)).find((file) => existsSync(file)) ?? resolve(names.at(-1)!);
}

/** The user's settings, of which runners are made. */
export interface RunnerSettings extends Pick<PoolOptions, "batchWaitMs" | "startTimeoutMs" | "graceMs" | "onLine"> {
  concurrency: number;
  batch: number | undefined;
}

/** Runners of a program that speaks the protocol. @throws Error with one line if there is no such program. */
export function serveCommand(command: string[], settings: RunnerSettings): RunnerPool {
  checkCommand(command);
  return manyProcesses({ name: command[0]!, command, env: commandEnvironment() }, settings);
}

/**
 * Runners of a handler's file.
 * @param name The file's name in messages.
 * @param told More variables for a handler in TypeScript.
 */
export function handlerRunners(
  file: string,
  name: string,
  settings: RunnerSettings,
  told: NodeJS.ProcessEnv = {},
): RunnerPool {
  if (name.endsWith(".py")) {
    checkCommand(["python3"]);
    const command = ["python3", "-u", own("runner/python/run.py", "python/run.py"), file, name, kindOf(settings)];
    return manyProcesses({ name, command, env: commandEnvironment(), hasEmptyInput: true }, settings);
  }
  const main = own("runner/node/main.ts", "runner/node/main.js", "runner.js");
  const command = [...node(), "--enable-source-maps", main, file, name, kindOf(settings)];
  const program = { name, command, env: { ...commandEnvironment(), ...TOLD, ...told }, hasEmptyInput: true };
  const { concurrency, batch = 1, ...rest } = settings;
  const isBatch = settings.batch !== undefined;
  return new RunnerPool({ ...rest, program, runners: 1, units: concurrency, batch, isBatch });
}

/** The command of this Node.js: one that was brought along needs its own loader (components/image/layout.ts). */
function node(): string[] {
  const { execPath } = process;
  const dir = dirname(execPath);
  return basename(execPath) === "start" ? [execPath, "--library-path", dir, join(dir, "node")] : [execPath];
}

/** The handler's file beside the programs. A file in Python may be in its package. */
export function ownHandler(name: string): string {
  if (!name.endsWith(".py")) return own("handler.ts", "handler.js");
  const parts = name.split("/");
  return own(...parts.map((_, at) => `handler/${parts.slice(at).join("/")}`), name);
}

const kindOf = ({ batch }: RunnerSettings) => (batch === undefined ? "one" : "batch");

/** A process per slot, for programs that work on one thing at a time. */
function manyProcesses(program: Executable, { concurrency, batch, ...rest }: RunnerSettings): RunnerPool {
  const isBatch = batch !== undefined;
  return new RunnerPool({ ...rest, program, runners: concurrency, units: 1, batch: batch ?? 1, isBatch });
}
