import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const lostEngine = join(import.meta.dirname, "../../../components/lostEngine.ts");

describe("a program whose engine was killed", () => {
  it("ends, though Pulumi logs every error into the pipe that is closed", async () => {
    const program = `
      import ${JSON.stringify(lostEngine)};
      process.on("uncaughtException", (error) => console.error(error));
      console.log("runs");
      setInterval(() => console.error("still here"), 10);
    `;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { timeout: 8_000 });
    await once(child.stdout, "data");
    for (const pipe of [child.stdout, child.stderr]) pipe.destroy();
    assert.deepEqual(await once(child, "exit"), [1, null]);
  });
});
