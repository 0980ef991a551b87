import { Command, CommanderError, Option } from "commander";
import { firstLine, UserError } from "./errors.ts";

/** What every command is told about where the batch is. */
export interface QueueOptions {
  /** The stack, where it is not the current one. */
  stack?: string;
  /** A Redis to look into instead of a stack's: no cluster, no Pulumi. */
  redis?: string;
  /** The name of the list; by default the stack's, or `job2` with `redis`. */
  queue?: string;
}

/** How a command presents itself in `--help`. */
export interface CommandSpec {
  /** `status`: what comes after `npm run`. */
  name: string;
  description: string;
  /** What to type, and what it does. */
  examples: [command: string, what: string][];
  /** Exit codes but for {@link EXIT_USAGE}. */
  exitCodes: Record<number, string>;
}

/** The exit code for everything that kept a command from doing what it was asked: no stack, no cluster, bad arguments. */
export const EXIT_USAGE = 3;

const column = (pairs: [string, string][]) => {
  const width = Math.max(...pairs.map(([left]) => left.length));
  return pairs.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
};

/** A command with the options that all share, its examples and its exit codes in the help. */
export function command({ name, description, examples, exitCodes: exits }: CommandSpec): Command {
  const codes = [
    ...Object.entries(exits),
    [String(EXIT_USAGE), "could not be told or done; one line on stderr says why"],
  ];
  return new Command(`npm run ${name} --`)
    .description(description)
    .addOption(new Option("--stack <name>", "another stack than the current one"))
    .addOption(new Option("--redis <url>", "look into this Redis, without a stack or a cluster").env("WQ_REDIS_URL"))
    .addOption(new Option("--queue <name>", "another queue than the stack's"))
    .helpOption("-h, --help", "this help")
    .addHelpText(
      "after",
      () => `\nExamples:\n${column(examples)}\n\nExit codes:\n${column(codes as [string, string][])}`,
    )
    .allowExcessArguments(false)
    .configureOutput({
      outputError: (text, write) =>
        write(
          `${text
            .trim()
            .replace(/^error: /, `${name}: `)
            .replaceAll("\n", " ")
            .replace(/\.$/, "")}; see --help\n`,
        ),
    })
    .exitOverride();
}

/** Parses the command line and does what it says. Every error is one line and {@link EXIT_USAGE}; a reader that went away (`| head`) is none. */
export async function main(program: Command): Promise<void> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  try {
    await program.parseAsync();
  } catch (error) {
    process.exitCode = EXIT_USAGE;
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) process.exitCode = 0; // --help
      return; // commander has said what is wrong
    }
    const name = program.name().split(" ")[2];
    console.error(`${name}: ${firstLine(error)}`);
    if (!(error instanceof UserError) && process.env.DEBUG) console.error(error);
  }
}
