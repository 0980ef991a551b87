// Runs a program of any language once for each item.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { DoNotRetry, type Handler, type ItemContext } from "../queue/index.ts";
import { commandEnvironment } from "./commandEnvironment.ts";
import { OutputBuffer, outputRead } from "./commandOutput.ts";
import { endGroup, trackGroup } from "./processGroups.ts";
import { splitLines } from "./splitLines.ts";

/** The exit code that means "do not try this item again": EX_DATAERR of sysexits.h. */
export const DO_NOT_RETRY = 65;
/** Longest item that is in the environment too, bytes: Linux allows 128 KiB for one variable. */
const MAX_ENV_BYTES = 100 * 1024;

/**
 * A handler that runs `command` once per item: the item on standard input, and in `ITEM` where it is text of up to 100
 * KiB; `ITEM_ID` and `ITEM_ATTEMPT`. Exit code 0 is done, with standard output as the result (worker/README.md);
 * {@link DO_NOT_RETRY} is dead at once; any other, or a signal, is a failed attempt. Standard error is the item's log.
 * Its whole process group is ended when it exits, at the time limit and at shutdown.
 */
export function commandHandler(command: string[], maxResultBytes: number): Handler {
  const [program, ...args] = command as [string, ...string[]];
  return async (item, context) => {
    const { signal, log, bytes } = context;
    // A group of its own, so that what it starts can be ended with it.
    const child = spawn(program, args, { detached: true, env: environment(context, item), stdio: "pipe" });
    const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    const closed = new Promise((resolve) => child.once("close", resolve));
    // Rejects where the program cannot be started.
    await Promise.race([once(child, "spawn"), exited]);
    const group = child.pid!;
    trackGroup(group);
    const onAbort = () => void endGroup(group);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();

    const output = new OutputBuffer(maxResultBytes);
    child.stdout.on("data", (chunk: Buffer) => output.add(chunk));
    let lastLine = "";
    splitLines(child.stderr, (line) => {
      lastLine = line || lastLine;
      log(line);
    });
    writeInput(child, bytes);

    const [code, killedBy] = await exited;
    signal.removeEventListener("abort", onAbort);
    // Processes that it left are ended and not waited for: the item's outcome is known.
    void endGroup(group);
    await outputRead(child, closed);
    if (signal.aborted) throw signal.reason;
    if (code === 0) return output.result;
    const how = killedBy ? `was ended by ${killedBy}` : `exited with code ${code}`;
    const reason = `${program} ${how}${lastLine && `: ${lastLine}`}`;
    throw withoutStack(code === DO_NOT_RETRY ? new DoNotRetry(reason) : new Error(reason));
  };
}

function environment({ id, attempt, bytes }: ItemContext, item: string): NodeJS.ProcessEnv {
  const env = commandEnvironment();
  env.ITEM_ID = String(id);
  env.ITEM_ATTEMPT = String(attempt);
  const isText = bytes.length <= MAX_ENV_BYTES && !item.includes("\0") && Buffer.from(item).equals(bytes);
  if (isText) env.ITEM = item;
  return env;
}

/** A program that does not read its input is not an error. */
function writeInput({ stdin }: ChildProcessWithoutNullStreams, bytes: Buffer): void {
  stdin.on("error", () => {});
  stdin.end(bytes);
}

/** The error of a command, without a stack, which would show this file and not the program. */
function withoutStack(error: Error): Error {
  error.stack = error.message;
  return error;
}
