// Runs a tool to its end, with its output in the log.
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { logDir } from "../paths.ts";
import { Trouble } from "../errors.ts";

/** The log of everything `up` and `down` ran. */
export const logFile = join(logDir, "platform.log");

/** A line in the log, with the time. */
export function note(line: string): void {
  mkdirSync(logDir, { recursive: true });
  appendFileSync(logFile, `${new Date().toISOString()} ${line}\n`);
}

/** The last lines of an output that say something. */
export function tail(text: string, lines = 5): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .slice(-lines)
    .join(" | ");
}

/** Standard output of a command. Throws one line: the command, its last lines, and where the rest is. */
export async function run(
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; input?: string } = {},
): Promise<string> {
  note(`$ ${command} ${args.join(" ")}`);
  const input = options.input === undefined ? { stdin: "ignore" as const } : {};
  const result = await execa(command, args, { ...input, ...options, all: true, reject: false });
  if (result.all) note(result.all);
  if (result.failed) {
    const why = result.code === "ENOENT" ? "it is not installed" : tail(result.all) || result.shortMessage;
    throw new Trouble(`${command} ${args[0] ?? ""} failed: ${why} (all of it: ${logFile})`);
  }
  return result.stdout;
}
