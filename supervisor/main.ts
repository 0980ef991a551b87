// The supervisor: watches the batch from the start of the workers to its end. Its exit code decides whether `pulumi up`
// succeeds; its last line is the error of `up`.
import { oneLine } from "../config/foreignText.ts";
import { exitCodes } from "../worker/exitCodes.ts";
import { runProgram } from "../worker/runProgram.ts";
import { startRelay } from "./relay.ts";
import { supervisorSettings } from "./settings.ts";
import { Supervisor } from "./supervisor.ts";

async function main(): Promise<number> {
  const settings = await supervisorSettings();
  startRelay(settings.url);
  return new Supervisor(settings).run();
}

// All it knows is in Redis, so it leaves at once: the next one goes on from there.
process.on("SIGTERM", () => process.exit(exitCodes.terminated));
process.on("uncaughtException", ({ message }) => {
  console.error(`The supervisor came to an unexpected end: ${oneLine(message)}`);
  process.exit(exitCodes.unexpected);
});

await runProgram(main);
