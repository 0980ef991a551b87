// Answers of a runner, on descriptor 3: together, and at once if they are large.
import { writeSync } from "node:fs";

const MAX_WAITING = 64 * 1024;
let waiting = "";

/** @param result Field `result`, if it is JSON already. */
export function say(answer: object, result?: string): void {
  const text = JSON.stringify(answer);
  const line = result === undefined ? `${text}\n` : `${text.slice(0, -1)},"result":${result}}\n`;
  if (waiting === "") setImmediate(flush);
  waiting += line;
  if (waiting.length > MAX_WAITING) flush();
}

export function flush(): void {
  let bytes = Buffer.from(waiting);
  waiting = "";
  try {
    while (bytes.length > 0) bytes = bytes.subarray(writeSync(3, bytes));
  } catch {
    process.kill(process.pid, "SIGKILL"); // the worker is gone
  }
}
