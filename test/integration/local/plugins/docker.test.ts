import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

const plugins = join(import.meta.dirname, "..", "..", "..", "..", "local", "plugins");

function runs(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("the docker plugin of ours", () => {
  it("ends with its engine, also if that is killed", async () => {
    // The shell is the engine; a plugin prints the port on which it serves.
    const command = `"$0" "$1" 127.0.0.1:1 & echo $!; wait`;
    const engine = spawn("sh", ["-c", command, process.execPath, join(plugins, "docker", "main.ts")]);
    const lines = createInterface(engine.stdout);
    const [pid] = (await once(lines, "line")) as [string];
    const [port] = (await once(lines, "line")) as [string];
    assert.match(port, /^\d+$/);
    await sleep(1_500);
    assert.ok(runs(Number(pid)), "it serves while its engine lives");
    engine.kill("SIGKILL");
    for (let turn = 0; turn < 100 && runs(Number(pid)); turn++) await sleep(100);
    assert.ok(!runs(Number(pid)), "it is gone");
  });
});
