// The work that `wq try` tries: that of the stack, or of the command line; and its handler, bundled as for a pod.
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Handler } from "../../queue/index.ts";
import { oneLine } from "../../config/foreignText.ts";
import { defaults } from "../../config/toldSettings.ts";
import { checkCommand } from "../../worker/command/checkCommand.ts";
import { commandHandler } from "../../worker/command/command.ts";
import { handlerRunners, ownHandler, serveCommand } from "../../worker/chooseRunners.ts";
import type { RunnerPool } from "../../worker/runner/pool.ts";
import { firstLine, UserError } from "../errors.ts";
import { root, stackCandidates } from "../stack/findStack.ts";
import { capturePulumi, failure } from "../stack/pulumi.ts";

const SHUTDOWN_MS = 2_000;
/** The handler of this checkout. */
const SHIPPED = "worker/handler.ts";
/** The user's folder. Paths in messages are relative to it. */
const folder = process.cwd();

/** The user's settings that say what runs an item. */
export interface Work {
  command?: string[];
  serve?: boolean;
  /** Path of a handler's file. */
  handler?: string;
  batch?: number;
  /** Folder in which it runs. */
  files?: string;
  env?: Record<string, string>;
}

/** The two forms that work without a stack, for messages. */
export const SAY = "say what to try: --handler FILE, or a program after --";

/** A setting that is JSON in the stack file. */
function parsed<T>(key: string, json: string): T {
  try {
    return JSON.parse(json) as T;
  } catch {
    throw new UserError(`\`${key}\` of the stack is not JSON${key === "secretEnv" ? "" : `: ${oneLine(json)}`}`);
  }
}

/** The work of the selected stack, if this is the checkout's program; the default if no stack is selected. */
export async function stackWork(): Promise<Work> {
  let reason = "no stack selected";
  for (const location of stackCandidates(undefined)) {
    const decrypted = await capturePulumi(location, ["config", "--json", "--show-secrets"]);
    const read = decrypted.exitCode === 0 ? decrypted : await capturePulumi(location, ["config", "--json"]);
    const { exitCode, stdout } = read;
    if (exitCode !== 0) {
      reason = failure(read);
      continue;
    }
    if (stdout !== decrypted.stdout) console.error(`Going on without the secrets of the stack: ${failure(decrypted)}`);
    const config = JSON.parse(stdout) as Record<string, { value?: string }>;
    const keys = ["command", "serve", "handler", "batch", "files", "env", "secretEnv"];
    const values = keys.map((key) => config[`job-wq-2:${key}`]?.value);
    const [command, serve, handler, batch, files, env, secretEnv] = values;
    return {
      ...(command && { command: parsed<string[]>("command", command), serve: serve === "true" }),
      ...(handler && handler !== SHIPPED && { handler: resolve(root, handler) }),
      ...(batch && { batch: Number(batch) }),
      ...(files && { files }),
      env: { ...parsed<Work["env"]>("env", env ?? "{}"), ...parsed<Work["env"]>("secretEnv", secretEnv ?? "{}") },
    };
  }
  if (!/no stack (named|selected)|no current stack/i.test(reason))
    throw new UserError(`the stack's settings cannot be read: ${reason}; or ${SAY}`);
  console.error(`No stack is selected: trying ${SHIPPED}`);
  return {};
}

/**
 * The handler's file as a pod has it: in JavaScript and TypeScript a bundle, in a folder that goes with this process.
 * @throws UserError if there is none, or it cannot be bundled.
 */
export async function handlerFile({ command, handler = ownHandler(SHIPPED) }: Work): Promise<string> {
  if (command) return handler;
  const name = relative(folder, handler);
  if (!existsSync(handler)) throw new UserError(`there is no handler ${resolve(handler)}`);
  if (!/\.([cm]?[jt]s|py)$/.test(handler))
    throw new UserError(`${name} is not a file of TypeScript, JavaScript or Python: give a program after --`);
  if (handler.endsWith(".py")) return handler;
  const { bundleHandler } = await import("../../bundle/bundle.ts"); // loaded late: programs need none
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-try-"));
  process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(join(dir, "package.json"), '{"type":"module"}\n');
  // The scripts lie beside the bundle, as in the pod, for a handler that imports the queue.
  symlinkSync(fileURLToPath(new URL("../../queue/scripts", import.meta.url)), join(dir, "scripts"));
  try {
    bundleHandler(name, join(dir, "bin"));
  } catch (error) {
    throw new UserError(firstLine(error));
  }
  return join(dir, "bin/handler.js");
}

/**
 * Its handler, ready.
 * @param onLine Gets lines that belong to no item.
 * @param signal Ends the wait.
 * @throws UserError if it does not load.
 */
export async function load(
  { command, serve, handler, batch }: Work,
  file: string,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<Handler> {
  const name = handler === undefined ? SHIPPED : relative(folder, handler);
  const settings = {
    concurrency: 1,
    batch,
    batchWaitMs: 0,
    startTimeoutMs: defaults().startTimeout,
    graceMs: SHUTDOWN_MS,
    onLine,
  };
  let runners: RunnerPool | undefined;
  try {
    if (command && !serve) {
      checkCommand(command);
      return commandHandler(command, defaults().maxResultBytes);
    }
    runners = command ? serveCommand(command, settings) : handlerRunners(file, name, settings);
    const aborted = once(signal, "abort").then(() => signal.throwIfAborted());
    await Promise.race([runners.ready, aborted]);
    return runners.handler;
  } catch (error) {
    await runners?.end(0);
    throw new UserError(firstLine(error));
  }
}
