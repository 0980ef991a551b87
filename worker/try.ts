// `npm run try -- ITEM`: the handler or a command on one item, here, without a cluster.
import { Command, InvalidArgumentError } from "commander";
import type { ItemContext } from "../queue/index.ts";
import { loadCommand, loadHandler } from "./load.ts";

const number = (value: string) => {
  const seconds = Number(value);
  if (!(seconds > 0)) throw new InvalidArgumentError("Expected a number of seconds above 0.");
  return seconds;
};

const program = new Command("try")
  .description(
    "Runs worker/handler.ts, or a command, on one item on this machine. Prints its log and, as the last line, its result as JSON.",
  )
  .argument("<item>", "the item's text")
  .option("--timeout <seconds>", "abort the signal after so long", number, 3600)
  .option("--command <words...>", "a program to run instead of the handler, with its arguments")
  .addHelpText(
    "after",
    "\nExamples:\n  npm run try -- banana\n  npm run try -- banana --command python3 process.py\n\nExit codes: 0 done, 1 the attempt failed, 65 the handler does not load.",
  )
  .parse();
const { timeout, command } = program.opts<{ timeout: number; command?: string[] }>();
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
    const result = await handler(item, context);
    console.log(`Done: ${JSON.stringify(result) ?? "no result"}`);
  } catch (error) {
    const { name, message } = error as Error;
    console.error(`Failed: ${name === "DoNotRetry" ? "not to be retried: " : ""}${message ?? String(error)}`);
    process.exitCode = 1;
  }
} catch (error) {
  console.error(`try: ${(error as Error).message}`);
  process.exitCode = 65;
}
clearTimeout(timer);
