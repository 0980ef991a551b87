// The command `wq`: one program, with a subcommand for each verb.
import { CommanderError } from "commander";
import { oneLine } from "../config/foreignText.ts";
import { keepCompiledCode } from "./compileCache.ts";
import { firstLine, UserError } from "./errors.ts";
import { EXIT_OK, EXIT_USAGE } from "./exitCodes.ts";
import { createProgram, requestedVerb } from "./commandLine.ts";
import { guardStandardOutput } from "./standardOutput.ts";

/** Runs a command line. Every error is one line and {@link EXIT_USAGE}. */
async function main(args: string[]): Promise<void> {
  guardStandardOutput();
  // Chalk knows the other variable alone.
  if (process.env.NO_COLOR) process.env.FORCE_COLOR = "0";
  try {
    if (args[0] === "complete") {
      const { complete } = await import("./completion.ts");
      for (const line of await complete(args.slice(2))) console.log(line);
      return;
    }
    const program = await createProgram(args);
    await program.parseAsync(args.length > 0 ? args : ["--help"], { from: "user" });
  } catch (error) {
    process.exitCode = EXIT_USAGE;
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) process.exitCode = EXIT_OK; // --help, --version
      return; // commander has said what is wrong
    }
    console.error(`${["wq", requestedVerb(args)].filter(Boolean).join(" ")}: ${oneLine(firstLine(error))}`);
    if (!(error instanceof UserError) && process.env.DEBUG) console.error(error);
  }
}

keepCompiledCode();
await main(process.argv.slice(2));
