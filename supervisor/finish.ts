import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { oneLine } from "../config/foreignText.ts";
import { type QueueAdmin, resultRow } from "../queue/index.ts";
import { commandEnvironment } from "../worker/commandEnvironment.ts";
import { endOf, LastWords } from "../worker/processes/lastWords.ts";
import { splitLines } from "../worker/processes/splitLines.ts";

/** The end of the program itself. Other errors on the way to it are those of Redis. */
export class FinishError extends Error {
  override name = "FinishError";
}

/** Every result, in the order of the items, a line of JSON each. */
async function* rows(admin: QueueAdmin): AsyncIterable<string> {
  for await (const record of admin.results()) yield `${JSON.stringify(resultRow(record))}\n`;
}

function start(program: string, args: string[]) {
  try {
    return spawn(program, args, { env: commandEnvironment(), stdio: "pipe" });
  } catch (error) {
    throw new FinishError((error as Error).message); // arguments that are too long
  }
}

/**
 * Runs a program once, with every result on its standard input.
 * @param maxBytes Longer output is cut.
 * @returns What it wrote to standard output.
 * @throws FinishError with its last line where it fails; errors of Redis as they are.
 */
export async function runFinish([program, ...args]: string[], admin: QueueAdmin, maxBytes: number): Promise<string> {
  const child = start(program!, args);
  const chunks: Buffer[] = [];
  let bytes = 0;
  const words = new LastWords();
  child.stdout.on("data", (chunk: Buffer) => {
    if (bytes <= maxBytes) chunks.push(chunk);
    bytes += chunk.length;
  });
  splitLines(child.stderr, (line) => {
    words.add(line);
    console.log(oneLine(line));
  });
  const closed = (once(child, "close") as Promise<[number | null, NodeJS.Signals | null]>).catch((error: Error) => {
    throw new FinishError(error.message); // it did not start
  });
  // A program that does not read its input to the end is not an error.
  const fed = pipeline(Readable.from(rows(admin)), child.stdin).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE" || error.code === "ERR_STREAM_PREMATURE_CLOSE") return;
    child.kill("SIGKILL"); // it must not take a part of the results for all
    throw error;
  });
  const [[code, signal]] = await Promise.all([closed, fed]);
  const output = Buffer.concat(chunks).subarray(0, maxBytes).toString().trimEnd();
  if (code === 0) return output;
  throw new FinishError(endOf(program!, code, signal, words.text || output.split("\n").at(-1)!));
}
