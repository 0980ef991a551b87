import { readFileSync } from "node:fs";
import { Command } from "commander";
import { columns, usageError } from "./command.ts";
import { exitCodeTable } from "./exitCodes.ts";
import { wq } from "./invocation.ts";
import { verbGroups } from "./verbs.ts";

/** The verb that a command line asks for, or asks help for. */
export function requestedVerb(args: string[]): string | undefined {
  const words = args.filter((arg) => !arg.startsWith("-"));
  return words[0] === "help" ? words[1] : words[0];
}

function version(): string {
  for (const path of ["../package.json", "../../package.json"]) {
    try {
      return (JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8")) as { version: string }).version;
    } catch {
      // Compiled, this file is one folder deeper.
    }
  }
  return "unknown";
}

function helpCommand(): Command {
  return new Command("help")
    .usage("[command]")
    .argument("[command]")
    .description("show the help of a command")
    .helpGroup("Program:");
}

/** The program. Only the verb that is asked for has its code loaded; the others are a line of the help. */
export async function createProgram(args: string[]): Promise<Command> {
  const codes = Object.entries(exitCodeTable);
  const program = new Command(wq())
    .usage("COMMAND [options]")
    .description(
      "Looks after batches of work items on Kubernetes. Works on the stack of the Pulumi program in this folder.",
    )
    .version(version(), "-V, --version", "show the version")
    .helpOption("-h, --help", "show this help, or that of a command")
    .addHelpCommand(helpCommand())
    .enablePositionalOptions() // what follows the program of `run` is the program's
    .configureHelp({ subcommandTerm: (command) => `${command.name()} ${command.usage()}`.trimEnd() })
    .configureOutput({ outputError: (text, write) => write(usageError("", text)) })
    .addHelpText("after", `\nExit codes of all commands:\n${columns(codes)}`)
    .exitOverride();
  const requested = requestedVerb(args);
  for (const [group, verbs] of Object.entries(verbGroups)) {
    program.commandsGroup(`${group}:`);
    for (const { name, args = "", summary, load } of verbs) {
      if (name === requested) program.addCommand((await load()).default.summary(summary));
      else
        program
          .command(name)
          .usage(args || " ")
          .description(summary);
    }
  }
  return program;
}
