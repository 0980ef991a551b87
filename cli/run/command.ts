// `wq run`: a program or a handler on a list of items, from one line of a shell.
import { basename } from "node:path";
import { Option } from "commander";
import { jsonLine, oneLine } from "../../config/foreignText.ts";
import { listed, MAX_INLINE } from "../../config/items/items.ts";
import { hasReplacement, replacer, wrongReplacement } from "../../config/replacements.ts";
import { usageError, verbCommand } from "../command.ts";
import { UserError } from "../errors.ts";
import { EXIT_FAILED, EXIT_OK, EXIT_UNFINISHED } from "../exitCodes.ts";
import { wq } from "../invocation.ts";
import { unknownOption, wrongString } from "./gnuParallel.ts";
import { doneIn } from "./joblog.ts";
import * as options from "./options.ts";
import { followerOf } from "../stack/runFollowers.ts";
import { listNotes } from "../stack/runFolder.ts";
import { attachRun, type RunWork, startRun } from "./run.ts";
import { parseCommandLine, readItems } from "./sources.ts";
import { formatDuration, pluralize } from "../view/format.ts";

export default verbCommand({
  name: "run",
  description: `Runs a program, or a handler, once for each item on the cluster of your kubeconfig: no stack, no folder, no registry. Prints each result as a line of JSON as soon as it is there, and removes everything at the end. Ctrl-C asks if the run is to go on. In arguments, {} is the item, {.} {/} {//} {/.} parts of it as in GNU parallel, {#} its number, {name} a field of a JSON object, {1} the first of a JSON array. Several sources (::: a b ::: c d, or :::+ c d for pairs) make arrays. In the text after sh -c, write "$ITEM".`,
  examples: [
    [
      "run -j 20 --image python:3-slim --files . -- python3 process.py {} :::: urls.txt",
      "one item per line of the file",
    ],
    ["run --handler work.ts ::: apple banana", "a function instead of a program"],
    ["run -j 1..50 -- sha256sum {} < files.txt", "items from standard input"],
    ["run --attach wq-1a2b3c", "goes on with a run that was left"],
  ],
  exitCodes: {
    [EXIT_OK]: "every item is done",
    [EXIT_FAILED]: "items failed, or the run was aborted",
    [EXIT_UNFINISHED]: "it was left running",
  },
})
  .configureOutput({
    outputError: (text, write) =>
      write(
        usageError(
          "run",
          text.replace(/unknown option '([^']*)'(\n.+)?/, (_, option: string, similar?: string) =>
            unknownOption(option, similar),
          ),
        ),
      ),
  })
  .passThroughOptions()
  .argument("[words...]", "the program with its arguments; then ::: items, or :::: files of items")
  .option("-j, --jobs <number>", "worker pods, or a range like 1..50", "2")
  .option("-a, --arg-file <file>", "a file of items, as after ::::")
  .option("-0, --null", "items end with zero bytes, as `find -print0` writes them")
  .option("--image <image>", "image that the program runs in")
  .option("--entrypoint", "start the program through the image's ENTRYPOINT (conda, CUDA)")
  .option("--handler <file>", "a file with a function instead of a program")
  .option("--files <folder>", "folder whose content is in the working directory")
  .option("--requirements <file>", "packages of a handler in Python, a list for pip")
  .option("-n, --namespace <name>", "namespace; by default that of the context")
  .option("--context <name>", "context of the kubeconfig")
  .option("--cpu <quantity>", "CPU of a pod", options.parseQuantity)
  .option("--memory <quantity>", "memory of a pod", options.parseQuantity)
  .option("--gpu <number>", "GPUs of a pod", options.parseCount)
  .option("--env <name=value>", "a variable; may be given several times", options.collect)
  .option(
    "--secret-env <name>",
    "a variable of this environment, kept in a Secret; may be given several times",
    options.collect,
  )
  .option("--redis <url>", "a Redis of your own")
  .option("--pod <file>", "patch of the pod template, YAML or JSON")
  .option("--timeout <duration>", "time limit of an attempt, like 5m")
  .option("--retries <number>", "attempts before an item is given up", options.parseCount)
  .addOption(
    new Option(
      "--halt <when>",
      "end the run when this many items failed: soon,fail=3 or soon,fail=10%; items in flight are ended, too, even with soon",
    ).argParser(options.parseHalt),
  )
  .option("--joblog <file>", "write one line per item, as GNU parallel does")
  .option("--resume-failed", "run only items that are not done in the job log")
  .option("--results <folder>", "also write one file per item")
  .option("-k, --ordered", "print results in the order of the items")
  .option("--eta", "show progress on standard error even without a terminal")
  .option("--dry-run", "print what would be run, and run nothing")
  .option("--keep", "remove nothing at the end")
  .option("--attach <name>", "go on with a run that was left: print all rows from its first, then remove it")
  .option("--list", "list the runs that were left or are still followed")
  .option("--json", "with --list: one line of JSON per run; results are JSON anyway")
  .action(async (words: string[], given: options.RunOptions) => {
    if (given.list) return list(given.json);
    if (given.attach !== undefined) return attachRun(given.attach, given);
    const { command, items: fromLine } = await parseCommandLine(words, given);
    checkProgram(command, given);
    if (fromLine === undefined && process.stdin.isTTY)
      throw new UserError("there are no items: give ::: ITEMS, :::: FILE, or standard input");
    options.checkOptions(given);
    const all = fromLine ?? (await readItems("-", given));
    if (all.length === 0) throw new UserError("the files or the input have no items");
    const wrong = wrongString(command, all[0]!);
    if (wrong !== undefined) throw new UserError(`${wrong}; see ${wq("run --help")}`);
    const work = { command, ...itemsToRun(all, given) };
    if (given.dryRun) return printCommands(work, given.handler);
    if (work.items.length === 0) return console.error("Every item is done.");
    if (!listed("items", work.items).inline)
      throw new UserError(
        `the ${work.items.length} items exceed ${MAX_INLINE / 1024} KiB, compressed, the most that a run can carry: give the names of parts of the list as items, or use a stack with \`imageName\``,
      );
    await startRun(work, given);
  });

/** @throws UserError if nothing can be run, as far as that is known without the items. */
function checkProgram(command: string[], { handler, resumeFailed, joblog }: options.RunOptions): void {
  if ((command.length === 0) === (handler === undefined))
    throw new UserError(`say what to run: a program after --, or --handler FILE; see ${wq("run --help")}`);
  const wrong = wrongReplacement(command);
  if (wrong !== undefined) throw new UserError(`the command must have ${wrong}`);
  if (command.length === 1 && /^\S+\s+\S/.test(command[0]!))
    throw new UserError(
      `no shell takes ${JSON.stringify(command[0])} apart: give each word by itself, or sh -c '…' with "$ITEM" for the item`,
    );
  if (resumeFailed && joblog === undefined) throw new UserError("--resume-failed needs --joblog FILE");
}

/** The items that will run, and the place of each among all items that were given, from 1. */
function itemsToRun(all: string[], { resumeFailed, joblog }: options.RunOptions): Omit<RunWork, "command"> {
  const done = resumeFailed ? doneIn(joblog!) : new Set<number>();
  const places = all.map((_, index) => index + 1).filter((place) => !done.has(place));
  return { places, items: places.map((place) => all[place - 1]!) };
}

/** Prints the commands that would run, for `--dry-run`. */
function printCommands({ command, items }: RunWork, handler: string | undefined): void {
  const commandOf = replacer(command);
  for (const [index, item] of items.entries()) {
    const shown = command.length > 0 ? commandOf(item, index + 1) : [basename(handler!), item];
    const input = command.length > 0 && !hasReplacement(command) ? `ITEM=${quoted(item)} ` : "";
    console.log(oneLine(input + shown.map(quoted).join(" ")));
  }
}

/** A word, quoted so that a shell reads it as one. */
const quoted = (word: string) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`);

/** Prints the runs that were left or are still followed, for `--list`. */
function list(json: boolean | undefined): void {
  const notes = listNotes();
  if (json)
    for (const { output: _, ...note } of notes)
      console.log(jsonLine({ ...note, follower: followerOf(note.name) ?? null }));
  else if (notes.length === 0) console.log("There is no run that was left.");
  else
    for (const { name, namespace, items, startedAt, command } of notes) {
      const follower = followerOf(name);
      const since = `${formatDuration(Date.now() - startedAt)} ago${follower ? `, followed by process ${follower}` : ""}`;
      console.log(`${name}  ${pluralize(items, "item")} in ${namespace}, ${since}: ${oneLine(command)}`);
    }
}
