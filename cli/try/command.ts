// `wq try ITEM`: the handler or a command on one item, here, without a cluster.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { InvalidArgumentError } from "commander";
import { jsonLine, oneLine, severalLines } from "../../config/foreignText.ts";
import { waitForFamilies } from "../../worker/processes/family.ts";
import { type Trial, tryItem } from "../../worker/tryItem.ts";
import { verbCommand } from "../command.ts";
import { UserError } from "../errors.ts";
import { EXIT_FAILED, EXIT_OK } from "../exitCodes.ts";
import { endProcess } from "../processEnd.ts";
import { findProgram, root } from "../stack/findStack.ts";
import { handlerFile, load, SAY, stackWork, type Work } from "./work.ts";

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

function print(trial: Trial): void {
  if (trial.outcome === "done")
    console.log(`Done: ${trial.result === undefined ? "no result" : jsonLine(trial.result)}`);
  else {
    console.error(`Failed: ${trial.isFinal ? "not to be retried: " : ""}${severalLines(trial.reason)}`);
    if (trial.stack) console.error(severalLines(trial.stack));
  }
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
  .option("--timeout <seconds>", "abort the attempt after this time", parseSeconds, 3600)
  .option("--handler <file>", "the file of the handler")
  .option("--json", "one line of JSON, with the log")
  .action(async (item: string, program: string[], { timeout, handler: given, json }: TryOptions) => {
    if (program[0] === "--") program = program.slice(1); // an item that begins with a dash needs one before it, too
    const isCheckout = findProgram(process.cwd()) === root;
    let work: Work = {
      ...(program.length > 0 && { command: program }),
      ...(given !== undefined && { handler: resolve(given) }),
    };
    const isSaid = program.length > 0 || given !== undefined;
    if (isCheckout && !isSaid) work = await stackWork();
    else if (!isSaid && root.includes("node_modules")) throw new UserError(SAY);
    Object.assign(process.env, work.env);
    const file = await handlerFile(work);
    // It runs in the folder of the files, as in the image.
    const files = join(root, work.files ?? "worker/files");
    if (isCheckout && existsSync(files)) process.chdir(files);
    const interrupt = new AbortController();
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.on(signal, () => interrupt.abort(new Error(signal === "SIGINT" ? "Interrupted" : `Ended by ${signal}`)));
    // Lines that belong to no item, like those of a handler that is loading.
    const onLine = (line: string) => (json ? console.error : console.log)(severalLines(line));
    const handler = await load(work, file, onLine, interrupt.signal);
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
    // A connection or timer that a handler left open must not keep the terminal.
    await endProcess(trial.outcome === "done" ? EXIT_OK : EXIT_FAILED);
  });
