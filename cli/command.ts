import { oneLine } from "../config/foreignText.ts";
import { Command, Help, Option } from "commander";
import { UserError } from "./errors.ts";
import { EXIT_USAGE, type ExitCode } from "./exitCodes.ts";
import { wq } from "./invocation.ts";

/** Options that say where a Redis is. */
export interface RedisOptions {
  /** The stack, if it is not the current one. */
  stack?: string;
  /** The batch, if the stack has several. */
  batch?: string;
  /** URL of a Redis to look into instead of a stack's: no cluster, no Pulumi. */
  redis?: string;
}

/** Options that say where a batch is. */
export interface QueueOptions extends RedisOptions {
  /** Name of the list; by default the batch's, or `job2` with `redis`. */
  queue?: string;
}

/** Presentation of a verb in its `--help`. */
export interface CommandSpec {
  name: string;
  description: string;
  /** Words after `wq`, and their effect. */
  examples: [args: string, effect: string][];
  /** Exit codes but for {@link EXIT_USAGE}. */
  exitCodes: Partial<Record<ExitCode, string>>;
}

/** Two columns of text, indented, within the terminal. */
export function columns(rows: [string, string][]): string {
  const help = new Help();
  help.helpWidth = process.stdout.columns;
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => help.formatItem(left, width, right, help)).join("\n");
}

/** One line for a wrong command line, instead of commander's several. */
export function usageError(path: string, text: string): string {
  const message = text
    .trim()
    .replace(/^error: /, "")
    .replaceAll("\n", " ")
    .replace(/\.$/, "");
  const help = ["wq", path].filter(Boolean).join(" ");
  return `${help}: ${oneLine(message)}; see ${wq(path ? `${path} --help` : "help")}\n`;
}

/** A verb of `wq`, with its examples and exit codes in the help. */
export function verbCommand({ name, description, examples, exitCodes }: CommandSpec): Command {
  const typed = examples.map(([args, effect]): [string, string] => [wq(args), effect]);
  const codes: [string, string][] = Object.entries(exitCodes);
  codes.push([
    String(EXIT_USAGE),
    "not done: bad arguments, no stack, no cluster, no Redis; one line on standard error says why",
  ]);
  return new Command(name)
    .description(description)
    .helpOption("-h, --help", "show this help")
    .addHelpText(
      "after",
      `${typed.length > 0 ? `\nExamples:\n${columns(typed)}\n` : ""}\nExit codes:\n${columns(codes)}`,
    )
    .allowExcessArguments(false)
    .configureOutput({ outputError: (text, write) => write(usageError(name, text)) })
    .exitOverride();
}

/** A stack or a batch that the user names wins over the variable `WQ_REDIS_URL`. @throws UserError beside `--redis`. */
function ignoreVariable(command: Command): void {
  const { stack, batch } = command.opts<RedisOptions>();
  if (stack === undefined && batch === undefined) return;
  if (command.getOptionValueSource("redis") === "cli")
    throw new UserError("--redis is a Redis without a stack: leave it out, or --stack and --batch");
  command.setOptionValue("redis", undefined);
}

/** A verb that works on a Redis, with the options that say which. */
export function redisCommand(spec: CommandSpec): Command {
  return verbCommand(spec)
    .optionsGroup("Which batch:")
    .addOption(new Option("--stack <name>", "a stack other than the current one, or a run of `wq run --list`"))
    .addOption(new Option("--batch <name>", "one of the stack's batches, if it has several"))
    .addOption(new Option("--redis <url>", "address of a Redis; needs no stack and no cluster").env("WQ_REDIS_URL"))
    .optionsGroup("Options:")
    .hook("preAction", ignoreVariable);
}

/** A verb that works on a batch, with the options that say which. */
export function queueCommand(spec: CommandSpec): Command {
  return redisCommand(spec)
    .optionsGroup("Which batch:")
    .addOption(new Option("--queue <name>", "a queue other than the batch's"))
    .optionsGroup("Options:");
}
