// Runs a program of any language once for each item.
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { DoNotRetry, type Handler, type ItemContext } from "../queue/index.ts";
import { commandEnvironment } from "./commandEnvironment.ts";
import { logLines } from "./splitLines.ts";

/** The exit code that means "do not try this item again": EX_DATAERR of sysexits.h. */
export const DO_NOT_RETRY = 65;
/** Items up to this long are in the environment too, bytes: Linux allows 128 KiB for one variable. */
const MAX_ENV = 100 * 1024;
/** Between TERM and KILL, ms. */
const TERM_MS = 5_000;

function environment({ id, attempt, bytes }: ItemContext, item: string): NodeJS.ProcessEnv {
  const isText = bytes.length <= MAX_ENV && !item.includes("\0") && Buffer.from(item).equals(bytes);
  return { ...commandEnvironment(), ITEM_ID: String(id), ITEM_ATTEMPT: String(attempt), ...(isText && { ITEM: item }) };
}

/** Groups that may still have members: none outlives this process. */
const groups = new Set<number>();
process.on("exit", () => {
  for (const pid of groups) {
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // it is gone
    }
  }
});

/** Waits until every program that was told to end did so, at most `ms`: at shutdown they are asked before they are killed. */
export async function groupsEnded(ms: number): Promise<void> {
  for (const end = performance.now() + ms; groups.size > 0 && performance.now() < end;) await sleep(20);
}

/** Ends what is left of a process group: TERM, then KILL. A group without members is gone at once. */
async function endGroup(pid: number): Promise<void> {
  const signal = (name: NodeJS.Signals | 0) => {
    try {
      return process.kill(-pid, name);
    } catch {
      return false;
    }
  };
  const gone = () => groups.delete(pid);
  if (!signal("SIGTERM")) return void gone();
  for (const end = performance.now() + TERM_MS; performance.now() < end; await sleep(20)) {
    if (!signal(0)) return void gone();
  }
  signal("SIGKILL");
  gone();
}

/**
 * A handler that runs `command` once per item: the item on standard input, and in `ITEM` where it is text of up to 100 KiB; `ITEM_ID` and `ITEM_ATTEMPT`.
 * Exit code 0 is done, with standard output as the result; {@link DO_NOT_RETRY} is dead at once; any other, or a signal, is a failed attempt. Standard error
 * is the item's log. Its whole process group is ended when it exits, at the time limit and at shutdown.
 */
export function commandHandler([program, ...args]: string[], maxResultBytes: number): Handler {
  return async (item, context) => {
    const { signal, log, bytes } = context;
    // A group of its own, so that what it starts can be ended with it.
    const child = spawn(program!, args, { detached: true, env: environment(context, item), stdio: "pipe" });
    const started = new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    const exited = new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
      child.once("exit", (code, name) => resolve([code, name])),
    );
    const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
    await started;
    const pid = child.pid!;
    groups.add(pid);
    const onAbort = () => void endGroup(pid);
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    let output = Buffer.alloc(0);
    let last = "";
    child.stdout.on("data", (chunk: Buffer) => {
      // More than is kept is read and dropped, so that the program does not wait for us.
      if (output.length <= maxResultBytes) output = Buffer.concat([output, chunk]);
    });
    logLines(child.stderr, (line) => {
      last = line || last;
      log(line);
    });
    // A program that does not read its input is not an error.
    child.stdin.on("error", () => {});
    child.stdin.end(bytes);
    const [code, killed] = await exited;
    signal.removeEventListener("abort", onAbort);
    // What it left behind is ended, and not waited for: the item's outcome is known.
    void endGroup(pid);
    await Promise.race([closed, sleep(1_000)]);
    if (signal.aborted) throw signal.reason;
    const how = killed ? `was ended by ${killed}` : `exited with code ${code}`;
    const reason = `${program} ${how}${last && `: ${last}`}`;
    if (code === DO_NOT_RETRY) throw withoutStack(new DoNotRetry(reason));
    if (code !== 0) throw withoutStack(new Error(reason));
    const text = output.toString().replace(/\r?\n$/, "");
    return text === "" ? undefined : text;
  };
}

/** A command's failure: the stack would be ours, not the program's. */
function withoutStack(error: Error): Error {
  error.stack = error.message;
  return error;
}
