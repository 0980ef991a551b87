// `wq try ITEM`: the handler or a command on one item, here, without a cluster.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { InvalidArgumentError } from "commander";
import type { Handler } from "../../queue/index.ts";
import { defaults } from "../../config/toldSettings.ts";
import { jsonLine, oneLine, severalLines } from "../../config/foreignText.ts";
import { checkCommand } from "../../worker/checkCommand.ts";
import { commandHandler } from "../../worker/command.ts";
import { waitForFamilies } from "../../worker/processes/family.ts";
import { handlerRunners, ownHandler } from "../../worker/chooseRunners.ts";
import { type Trial, tryItem } from "../../worker/tryItem.ts";
import { verbCommand } from "../command.ts";
import { firstLine, UserError } from "../errors.ts";
import { EXIT_FAILED, EXIT_OK } from "../exitCodes.ts";
import { findProgram, root, stackCandidates } from "../stack/location.ts";
import { capturePulumi } from "../stack/pulumi.ts";

const SHUTDOWN_MS = 2_000;

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

/** The `command` of the stack that is selected, where this is the checkout's program. */
async function stackCommand(): Promise<string[]> {
  for (const location of stackCandidates(undefined)) {
    const { exitCode, stdout } = await capturePulumi(location, ["config", "get", "command"]);
    if (exitCode === 0) return JSON.parse(stdout) as string[];
  }
  return [];
}

/** The program, or the handler in the file; by default that of this checkout. */
async function load(program: string[], file: string | undefined): Promise<Handler> {
  if (file === undefined && program.length === 0 && root.includes("node_modules"))
    throw new UserError("say what to try: --handler FILE, or a program after --");
  try {
    if (program.length > 0) {
      checkCommand(program);
      return commandHandler(program, defaults().maxResultBytes);
    }
    const runners = handlerRunners(file ?? ownHandler("worker/handler.ts"), file ?? "worker/handler.ts", {
      concurrency: 1,
      batch: undefined,
      batchWaitMs: 0,
      startTimeoutMs: defaults().startTimeout,
      graceMs: SHUTDOWN_MS,
      onLine: console.log,
    });
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
    "Runs the stack's `command`, worker/handler.ts, or a program, on one item on this machine. Programs run in worker/files. Prints its log and, as the last line, its result as JSON.",
  examples: [
    ["try banana", "the stack's `command`, or worker/handler.ts, on the item `banana`"],
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
    const isCheckout = findProgram(process.cwd()) === root;
    if (isCheckout && program.length === 0 && file === undefined) program = await stackCommand().catch(() => []);
    // As in the image, a program runs where the files are.
    const files = join(root, "worker/files");
    if (isCheckout && program.length > 0 && existsSync(files)) process.chdir(files);
    const handler = await load(program, file);
    const interrupt = new AbortController();
    process.on("SIGINT", () => interrupt.abort(new Error("Interrupted")));
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
    process.exit(trial.outcome === "done" ? EXIT_OK : EXIT_FAILED);
  });
