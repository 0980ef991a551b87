import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { join } from "node:path";

describe("the end of a process", () => {
  const module = join(import.meta.dirname, "../../../cli/processEnd.ts");
  /** Output of a process that has something to undo and gets this signal. */
  async function ended(program: string, signal?: NodeJS.Signals): Promise<[lines: string[], code: number]> {
    const begin = `import { beforeEnd, endProcess } from ${JSON.stringify(module)};
      const undo = beforeEnd(async () => { await new Promise((resolve) => setTimeout(resolve, 50)); console.log("undone"); });
      setInterval(() => {}, 1000); console.log("begun");`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", `${begin}${program}`]);
    const lines: string[] = [];
    createInterface(child.stdout).on("line", (line) => {
      lines.push(line);
      if (line === "begun" && signal) child.kill(signal);
    });
    const [code] = (await once(child, "close")) as [number];
    return [lines.slice(1), code];
  }

  for (const [name, program, signal, lines, code] of [
    ["waits for what has to be undone", "await endProcess(4)", undefined, ["undone"], 4],
    ["waits for what is being undone", "void undo(); await endProcess(4)", undefined, ["undone"], 4],
    ["undoes it at Ctrl-C", "", "SIGINT", ["undone"], 130],
    ["undoes it where it is told to end", "", "SIGTERM", ["undone"], 143],
    [
      "takes a Ctrl-C that npm passes on for the one that the terminal sent",
      "process.kill(process.pid, 'SIGINT'); process.kill(process.pid, 'SIGINT');",
      undefined,
      ["undone"],
      130,
    ],
    [
      "leaves Ctrl-C to a verb that has an answer to it",
      "process.on('SIGINT', () => { console.log('asked'); endProcess(2); })",
      "SIGINT",
      ["asked", "undone"],
      2,
    ],
  ] as const)
    it(name, async () => {
      assert.deepEqual(await ended(program, signal), [[...lines], code]);
    });
});
