// `wq try ITEM`: the handler or a command on one item, here, without a cluster.
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import type { Handler } from "../../queue/index.ts";
import { defaults } from "../../config/toldSettings.ts";
import { jsonLine, oneLine, severalLines } from "../../config/foreignText.ts";
import { checkCommand } from "../../worker/command/checkCommand.ts";
import { commandHandler } from "../../worker/command/command.ts";
import { waitForFamilies } from "../../worker/processes/family.ts";
import { handlerRunners, ownHandler, serveCommand } from "../../worker/chooseRunners.ts";
import { type Trial, tryItem } from "../../worker/tryItem.ts";
import { verbCommand } from "../command.ts";
import { endProcess } from "../processEnd.ts";
import { firstLine, UserError } from "../errors.ts";
import { EXIT_FAILED, EXIT_OK } from "../exitCodes.ts";
import { findProgram, root, stackCandidates } from "../stack/findStack.ts";
import { capturePulumi, failure } from "../stack/pulumi.ts";

const SHUTDOWN_MS = 2_000;
/** The handler of this checkout. */
const SHIPPED = "worker/handler.ts";
/** The user's folder, from which paths are told. */
const folder = process.cwd();

interface TryOptions {
  timeout: number;
  handler?: string;
  json?: boolean;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds > 0)) throw new InvalidArgumentError("Expected a number of seconds above 0.");
  return seconds;
}

/** The user's settings that say what runs an item. */
interface Work {
  command?: string[];
  serve?: boolean;
  /** Path of a handler's file. */
  handler?: string;
  batch?: number;
  /** Folder that it runs in. */
  files?: string;
  env?: Record<string, string>;
}

/** The way without a stack, for messages. */
const SAY = "say what to try: --handler FILE, or a program after --";

/** A setting that is JSON in the stack file. */
function parsed<T>(key: string, json: string): T {
  try {
    return JSON.parse(json) as T;
  } catch {
    throw new UserError(`\`${key}\` of the stack is not JSON${key === "secretEnv" ? "" : `: ${oneLine(json)}`}`);
  }
}

/** The work of the selected stack, if this is the checkout's program; the default if no stack is selected. */
async function stackWork(): Promise<Work> {
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

/** Its handler, ready. @param onLine Told what it prints for no item. @throws UserError where it does not load. */
async function load({ command, serve, handler, batch }: Work, onLine: (line: string) => void): Promise<Handler> {
  const name = handler === undefined ? SHIPPED : relative(folder, handler);
  const settings = {
    concurrency: 1,
    batch,
    batchWaitMs: 0,
    startTimeoutMs: defaults().startTimeout,
    graceMs: SHUTDOWN_MS,
    onLine,
  };
  if (handler !== undefined && !existsSync(handler)) throw new UserError(`there is no handler ${resolve(handler)}`);
  if (handler !== undefined && !/\.([cm]?[jt]s|py)$/.test(handler))
    throw new UserError(`${name} is not a file of TypeScript, JavaScript or Python: give a program after --`);
  try {
    if (command && !serve) {
      checkCommand(command);
      return commandHandler(command, defaults().maxResultBytes);
    }
    const runners = command
      ? serveCommand(command, settings)
      : handlerRunners(handler ?? ownHandler(SHIPPED), name, settings);
    await runners.ready;
    return runners.handler;
  } catch (error) {
    throw new UserError(firstLine(error));
  }
}

function print(trial: Trial): void {
  if (trial.outcome === "done")
    console.log(`Done: ${trial.result === undefined ? "no result" : jsonLine(trial.result)}`);
  else console.error(`Failed: ${trial.isFinal ? "not to be retried: " : ""}${severalLines(trial.reason)}`);
}

export default verbCommand({
  name: "try",
  description:
    "Runs the stack's `command` or `handler`, or another program or handler, on one item on this machine, in its `files` and with its `env`. Prints its log and, as the last line, its result as JSON.",
  examples: [
    ["try banana", "the stack's `command`, or its handler, on the item `banana`"],
    ["try banana --handler ./thumbnail.ts", "another handler"],
    ["try banana --timeout 5 -- python3 -u process.py", "a program, as `command` runs it"],
  ],
  exitCodes: { [EXIT_OK]: "the item is done", [EXIT_FAILED]: "the attempt failed" },
})
  .argument("<item>", "the item's text")
  .argument("[program...]", "a program to run instead of the handler, with its arguments, after --")
  .option("--timeout <seconds>", "abort it after this time", parseSeconds, 3600)
  .option("--handler <file>", "the file of the handler")
  .option("--json", "one line of JSON, with the log")
  .action(async (item: string, program: string[], { timeout, handler: file, json }: TryOptions) => {
    if (program[0] === "--") program = program.slice(1); // an item that begins with a dash needs one before it, too
    const isCheckout = findProgram(process.cwd()) === root;
    let work: Work = {
      ...(program.length > 0 && { command: program }),
      ...(file !== undefined && { handler: resolve(file) }),
    };
    const isSaid = program.length > 0 || file !== undefined;
    if (isCheckout && !isSaid) work = await stackWork();
    else if (!isSaid && root.includes("node_modules")) throw new UserError(SAY);
    Object.assign(process.env, work.env);
    // As in the image, it runs where the files are.
    const files = join(root, work.files ?? "worker/files");
    if (isCheckout && existsSync(files)) process.chdir(files);
    // Lines of no item, as of a handler that loads.
    const handler = await load(work, (line) => (json ? console.error : console.log)(severalLines(line)));
    const interrupt = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => interrupt.abort(new Error(signal === "SIGINT" ? "Interrupted" : `Ended by ${signal}`)));
    const log: string[] = [];
    if (!json) console.log(`Working on ${oneLine(item)}`);
    const trial = await tryItem(handler, item, {
      timeoutMs: timeout * 1000,
      signal: interrupt.signal,
      log: (line) => (json ? log.push(line) : console.log(severalLines(line))),
    });
    if (json) console.log(jsonLine({ item, ...trial, log }));
    else print(trial);
    await waitForFamilies(0);
    // A handle that a handler left open must not keep the terminal.
    await endProcess(trial.outcome === "done" ? EXIT_OK : EXIT_FAILED);
  });
