// Runs a program of any language once for each item.
import { isUtf8 } from "node:buffer";
import { once } from "node:events";
import { replacer } from "../../config/replacements.ts";
import { DoNotRetry, TryLater, type Handler, type ItemContext } from "../../queue/index.ts";
import { commandEnvironment } from "../processes/userEnvironment.ts";
import { OutputBuffer, outputRead } from "./output.ts";
import { Family } from "../processes/family.ts";
import { endOf, LastWords } from "../processes/lastWords.ts";
import { type PipedProgram, spawnPiped } from "../processes/pipes.ts";
import { splitLines } from "../processes/splitLines.ts";
import { inTurn } from "../inTurn.ts";

/** The exit code that means "do not try this item again": EX_DATAERR of sysexits.h. */
const DO_NOT_RETRY = 65;
/** The one that means "try this item again later, at no cost": EX_TEMPFAIL; and how much later, ms. */
const TRY_LATER = 75;
const LATER_MS = 60_000;
/** Longest item that is in the environment too, bytes: Linux allows 128 KiB for one variable. */
const MAX_ENV_BYTES = 100 * 1024;
const LINE_FEED = 10;
/** Words of a command that a shell runs: `bash`, `/bin/sh`, `run.sh`. */
const SHELL = /(^|\/)(ba|da|a|k|z)?sh$|\.sh$/;

/**
 * A handler that runs `command` once per item: the item in its arguments (config/replacements.ts), on standard input,
 * and in `ITEM` if it is text of up to 100 KiB; `ITEM_ID` and `ITEM_ATTEMPT`. Exit code 0 is done, with standard
 * output as the result (worker/README.md);
 * {@link DO_NOT_RETRY} is dead at once, {@link TRY_LATER} is put off; any other, or a signal, is a failed attempt.
 * Standard error is the item's log, and after a failure standard output, too. All processes that it started are ended
 * when it exits, at the time limit and at shutdown.
 */
export function commandHandler(command: string[], maxResultBytes: number): Handler {
  const commandFor = replacer(command);
  const isShell = command.some((word) => SHELL.test(word));
  return inTurn(async (item, context) => {
    const { id, signal, log, bytes } = context;
    signal.throwIfAborted();
    const line = commandFor(item, id) as [string, ...string[]];
    if (!isText(bytes) && line.some((word, place) => word !== command[place] && NO_TEXT.test(word)))
      throw withoutStack(
        new DoNotRetry("its bytes are not text, and an argument cannot hold them: read standard input"),
      );
    const [program, ...args] = line;
    // A group of its own, so that what it starts can be ended with it.
    const family = new Family();
    const env = { ...environment(context, item), ...family.env };
    const started = start(program, args, env, inputOf(bytes, isShell));
    const { child, stdout, stderr, closed } = started;
    const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    // Rejects if the program cannot be started.
    await Promise.race([once(child, "spawn"), exited]);
    family.begin(child.pid!);
    const onAbort = () => void family.end();
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();

    const output = new OutputBuffer(maxResultBytes);
    stdout.on("data", (chunk: Buffer) => output.add(chunk));
    const words = new LastWords();
    splitLines(stderr, (line) => {
      words.add(line);
      log(line);
    });

    const [code, killedBy] = await exited;
    signal.removeEventListener("abort", onAbort);
    // Processes that it left are ended. After a failure they are waited for, since the next attempt would run beside
    // them.
    const ended = family.end();
    await outputRead(started, closed);
    if (code === 0 && !signal.aborted) return output.result;
    const printed = new LastWords();
    for (const line of output.lines) {
      printed.add(line);
      log(line);
    }
    await ended;
    if (signal.aborted) throw signal.reason;
    if (code === TRY_LATER) throw new TryLater(LATER_MS);
    const reason = endOf(program, code, killedBy, words.text || printed.text);
    throw withoutStack(code === DO_NOT_RETRY ? new DoNotRetry(reason) : new Error(reason));
  });
}

function start(program: string, args: string[], env: NodeJS.ProcessEnv, input: Buffer): PipedProgram {
  try {
    return spawnPiped(program, args, env, input);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "E2BIG") throw error;
    throw withoutStack(new DoNotRetry("it is too long for an argument (128 KiB): read standard input"));
  }
}

function environment({ id, attempt, bytes }: ItemContext, item: string): NodeJS.ProcessEnv {
  const env = commandEnvironment();
  env.ITEM_ID = String(id);
  env.ITEM_ATTEMPT = String(attempt);
  if (bytes.length <= MAX_ENV_BYTES && isText(bytes)) env.ITEM = item;
  return env;
}

const isText = (bytes: Buffer) => isUtf8(bytes) && !bytes.includes(0);
/** Bytes that are no text leave these characters in an item's text. */
const NO_TEXT = /[\0\ufffd]/;

/** Standard input of a program: the item, and for a shell a line end, which `while read` needs. */
function inputOf(bytes: Buffer, isShell: boolean): Buffer {
  const lacksEnd = isShell && isText(bytes) && bytes.at(-1) !== LINE_FEED;
  return lacksEnd ? Buffer.concat([bytes, Buffer.of(LINE_FEED)]) : bytes;
}

/** The error of a command, without a stack, which would show this file and not the program. */
function withoutStack(error: Error): Error {
  error.stack = error.message;
  return error;
}
