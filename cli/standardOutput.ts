// Standard output that can no longer be written: its reader went away (`| head`), or its disk is full.
import { firstLine } from "./errors.ts";
import { EXIT_OK, EXIT_USAGE } from "./exitCodes.ts";
import { endProcess } from "./processEnd.ts";

type Answer = (error: NodeJS.ErrnoException) => void;

/** A reader that went away has what it wanted; any other error is one line. */
let answer: Answer = (error) => {
  if (error.code === "EPIPE") return void endProcess(EXIT_OK);
  console.error(`wq: cannot write standard output: ${firstLine(error)}`);
  void endProcess(EXIT_USAGE);
};

export function guardStandardOutput(): void {
  process.stdout.once("error", (error: NodeJS.ErrnoException) => answer(error));
  process.stdout.on("error", () => {}); // for writes after the first error
  process.stderr.on("error", () => {}); // nobody is left to be told
}

/** Registers a listener, for a verb that must do more than end. */
export function onBrokenOutput(other: Answer): void {
  answer = other;
}
