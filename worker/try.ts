// `npm run try -- ITEM`: the handler or a command on one item, here, without a cluster.
import { Command, InvalidArgumentError } from "commander";
import { DoNotRetry, type ItemContext } from "../queue/index.ts";
import { groupsEnded } from "./command.ts";
import { loadCommand, loadHandler } from "./loadHandler.ts";

const number = (value: string) => {
  const seconds = Number(value);
  if (!(seconds > 0)) throw new InvalidArgumentError("Expected a number of seconds above 0.");
  return seconds;
};

// All words after --command are the program's, whatever they look like.
const at = process.argv.indexOf("--command");
const [own, command] = at < 0 ? [process.argv, undefined] : [process.argv.slice(0, at), process.argv.slice(at + 1)];

const program = new Command("try")
  .description(
    "Runs worker/handler.ts, or a command, on one item on this machine. Prints its log and, as the last line, its result as JSON.",
  )
  .argument("<item>", "the item's text")
  .option("--timeout <seconds>", "abort the signal after so long", number, 3600)
  .option("--command <words...>", "a program to run instead of the handler; all that follows are its arguments")
  .addHelpText(
    "after",
    `
Examples:
  npm run try -- banana
  npm run try -- banana --timeout 5 --command python3 -u process.py

Exit codes: 0 done, 1 the attempt failed, 65 the handler or command does not load.`,
  )
  .parse(own);
if (command?.length === 0) program.error("error: --command needs a program after it");
const { timeout } = program.opts<{ timeout: number }>();
const [item] = program.args as [string];

const abort = new AbortController();
const timer = setTimeout(() => abort.abort(new Error(`The time limit of ${timeout} s is over`)), timeout * 1000);
process.on("SIGINT", () => abort.abort(new Error("Interrupted")));
const context: ItemContext = {
  id: 1,
  attempt: 1,
  signal: abort.signal,
  bytes: Buffer.from(item),
  log: (line) => console.log(line),
};
try {
  const handler = command ? loadCommand(command, 65536) : await loadHandler();
  console.log(`Working on ${item}`);
  try {
    // One that does not listen to the signal fails at the time limit all the same, as in the worker.
    const late = new Promise<never>((_, reject) => {
      abort.signal.addEventListener("abort", () => reject(abort.signal.reason as Error));
    });
    const result = await Promise.race([handler(item, context), late]);
    console.log(`Done: ${JSON.stringify(result) ?? "no result"}`);
  } catch (error) {
    const final = error instanceof DoNotRetry ? "not to be retried: " : "";
    console.error(`Failed: ${final}${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(`try: ${(error as Error).message}`);
  process.exitCode = 65;
}
clearTimeout(timer);
// The exit code is known: what a handler left open does not keep the terminal.
await groupsEnded(2_000);
process.exit();
