// Runs a tool to its end, with its output in the log.
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { UserError } from "../errors.ts";
import { logDir } from "../paths.ts";

/** Log of everything that `up` and `down` ran. */
export const logFile = join(logDir, "platform.log");

/** Writes a line to the log, with the time. */
export function log(line: string): void {
  mkdirSync(logDir, { recursive: true });
  appendFileSync(logFile, `${new Date().toISOString()} ${line}\n`);
}

/** Last lines of an output that are not empty, joined into one. */
export function tail(text: string, lines = 5): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-lines)
    .join(" | ");
}

/**
 * Runs a command.
 * @returns Its standard output.
 * @throws UserError of one line: the command, its last lines, and where the rest is.
 */
export async function run(
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<string> {
  log(`$ ${command} ${args.join(" ")}`);
  const input = options.input === undefined ? { stdin: "ignore" as const } : {};
  const result = await execa(command, args, { ...input, ...options, all: true, reject: false });
  if (result.all) log(result.all);
  if (result.failed) {
    const reason = result.code === "ENOENT" ? "it is not installed" : tail(result.all) || result.shortMessage;
    throw new UserError(`${command} ${args[0] ?? ""} failed: ${reason} (all of it: ${logFile})`);
  }
  return result.stdout;
}
