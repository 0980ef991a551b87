// Ways to stop following a run before it is over: Ctrl-C, and rows that cannot be written.
import { createInterface } from "node:readline";
import { onceEach } from "../processEnd.ts";
import { onBrokenOutput } from "../standardOutput.ts";
import { OutputError } from "./rowWriter.ts";

/** `over`: its work has ended; `left`: it goes on in the cluster; `stopped`: it is to be taken away. */
type Choice = "over" | "left" | "stopped";
/** A choice, or the trouble that left none. */
export type Ending = Choice | Error;

/** The watcher of a run, and the way to end it. */
interface Watcher {
  watched: Promise<unknown>;
  over: AbortController;
}

/**
 * Waits until a run is no longer followed. Ctrl-C asks, if there is a terminal. A second Ctrl-C, one without a
 * terminal, SIGTERM, a terminal that is closed, or a reader that went away leaves the run. Rows that cannot be written
 * are an {@link OutputError}.
 */
export async function endingOf(work: Promise<unknown>, { watched, over }: Watcher): Promise<Ending> {
  const { promise: chosen, resolve } = Promise.withResolvers<Ending>();
  let isAsked = false;
  const onSignal = onceEach(() => {
    if (isAsked || !process.stdin.isTTY) return resolve("left");
    isAsked = true;
    over.abort();
    const answer = watched.then(ask); // its bar would be drawn over the question
    answer.then(resolve, () => {}); // the failure of a watcher is reported below
  });
  const leave = () => resolve("left");
  process.on("SIGINT", onSignal).on("SIGTERM", leave).on("SIGHUP", leave);
  onBrokenOutput((error) => resolve(error.code === "EPIPE" ? "left" : new OutputError("standard output", error)));
  try {
    // A terminal's Ctrl-C ends Pulumi too, and with it the work. Then the answer decides what becomes of the run.
    const ended = work.then(() => watched).then((): Ending | Promise<Ending> => (isAsked ? chosen : "over"));
    return await Promise.race([chosen, ended, watched.then(() => ended)]);
  } catch (error) {
    return error as Error;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", leave).off("SIGHUP", leave);
  }
}

function ask(): Promise<Choice> {
  return new Promise((resolve) => {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    terminal.on("SIGINT", () => terminal.close()).on("close", () => resolve("left"));
    terminal.question("\nLeave it running (l), or stop it and remove it (s)? [l] ", (answer) => {
      resolve(/^s/i.test(answer.trim()) ? "stopped" : "left");
      terminal.close();
    });
  });
}
