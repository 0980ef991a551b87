import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { oneLine } from "../config/foreignText.ts";
import { type QueueAdmin, resultRow } from "../queue/index.ts";
import { commandEnvironment } from "../worker/processes/userEnvironment.ts";
import { outputRead } from "../worker/command/output.ts";
import { checkProgram } from "../worker/command/checkCommand.ts";
import { Family } from "../worker/processes/family.ts";
import { endOf, LastWords } from "../worker/processes/lastWords.ts";
import { type PipedProgram, spawnPiped } from "../worker/processes/pipes.ts";
import { splitLines } from "../worker/processes/splitLines.ts";

/** A failure of the program itself. Other errors here are those of Redis. */
export class FinishError extends Error {
  override name = "FinishError";
}

/** Reason why a program cannot run here, one line; undefined if it can. */
export function finishProblem(command: string[]): string | undefined {
  try {
    checkProgram(command);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Every result, in the order of the items, one line of JSON each. */
async function* rows(admin: QueueAdmin): AsyncIterable<string> {
  for await (const record of admin.results()) yield `${JSON.stringify(resultRow(record))}\n`;
}

function start(program: string, args: string[], family: Family): PipedProgram {
  try {
    return spawnPiped(program, args, { ...commandEnvironment(), ...family.env });
  } catch (error) {
    throw new FinishError((error as Error).message); // arguments that are too long
  }
}

/**
 * Runs a program once, with every result on its standard input.
 * @param maxBytes Longer output is cut.
 * @returns What it wrote to standard output.
 * @throws FinishError with its last line if it fails; errors of Redis as they are.
 */
export async function runFinish(command: string[], admin: QueueAdmin, maxBytes: number): Promise<string> {
  const problem = finishProblem(command);
  if (problem !== undefined) throw new FinishError(problem);
  const [program, ...args] = command;
  const family = new Family();
  const started = start(program!, args, family);
  const { child, stdout, stderr, closed } = started;
  const stdin = child.stdin!;
  if (child.pid !== undefined) family.begin(child.pid);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const words = new LastWords();
  stdout.on("data", (chunk: Buffer) => {
    if (bytes <= maxBytes) chunks.push(chunk);
    bytes += chunk.length;
  });
  splitLines(stderr, (line) => {
    words.add(line);
    console.log(oneLine(line));
  });
  const exited = (once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>).catch((error: Error) => {
    throw new FinishError(error.message); // it did not start
  });
  // Processes that it left are ended: they would hold its pipes open.
  const ended = exited.then(async (end) => {
    stdin.destroy();
    void family.end();
    await outputRead(started, closed);
    return end;
  });
  // A program that does not read its input to the end is not an error.
  const fed = pipeline(Readable.from(rows(admin)), stdin).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || error.code === "ERR_STREAM_PREMATURE_CLOSE") return;
    child.kill("SIGKILL"); // it must not mistake a part of the results for all
    throw error;
  });
  const [[code, signal]] = await Promise.all([ended, fed]);
  const output = Buffer.concat(chunks).subarray(0, maxBytes).toString().trimEnd();
  if (code === 0) return output;
  throw new FinishError(endOf(program!, code, signal, words.text || output.split("\n").at(-1)!));
}
