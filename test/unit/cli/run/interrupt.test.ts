import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

describe("Ctrl-C during a run", () => {
  const module = join(import.meta.dirname, "../../../../cli/run/interrupt.ts");

  /** A process in a terminal that gets this many signals at once, and this answer. */
  async function ending(signals: number, answer: string, signal = "SIGINT"): Promise<string> {
    const program = `const { endingOf } = await import(${JSON.stringify(module)});
      process.stdin.isTTY = true;
      const over = new AbortController();
      const work = new Promise(() => {});
      const watched = new Promise((resolve) => over.signal.addEventListener("abort", resolve));
      endingOf(work, { watched, over }).then((ending) => { console.log(ending); process.exit(); });
      for (let i = 0; i < ${signals}; i++) process.kill(process.pid, "${signal}");
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
    let said = "";
    child.stdout.on("data", (data: Buffer) => (said += data.toString()));
    child.stdin.on("error", () => {}).write(answer);
    await once(child, "close");
    return said.trim();
  }

  for (const signals of [1, 2])
    it(`asks once, even if npm passes it on: ${signals}`, async () => {
      assert.equal(await ending(signals, "s\n"), "stopped");
      assert.equal(await ending(signals, "l\n"), "left");
    });

  for (const signal of ["SIGTERM", "SIGHUP"])
    it(`asks nobody at ${signal}`, async () => {
      assert.equal(await ending(1, "", signal), "left");
    });
});
