import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const lostEngine = join(import.meta.dirname, "../../../components/lostEngine.ts");
/** A program that writes for a second into closed pipes. Every error is printed, as Pulumi does. */
const program = `
  import ${JSON.stringify(lostEngine)};
  process.on("uncaughtException", () => {});
  console.log("runs");
  setInterval(() => console.error("still here"), 10);
  setTimeout(() => process.exit(7), 1_000);
`;

describe("a program whose engine was killed", () => {
  const folder = mkdtempSync(join(tmpdir(), "job-wq-2-engine-"));
  after(() => rmSync(folder, { recursive: true }));

  /** Exit code of the program, started as this file. */
  async function exitCode(file: string): Promise<unknown> {
    const path = join(folder, file);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, program);
    const child = spawn(process.execPath, [path]);
    await once(child.stdout, "data");
    for (const pipe of [child.stdout, child.stderr]) pipe.destroy();
    const [code] = (await once(child, "exit")) as [unknown];
    return code;
  }

  it("ends, though Pulumi logs every error into the pipe that is closed", async () => {
    assert.equal(await exitCode("node_modules/@pulumi/pulumi/cmd/run/index.mjs"), 1);
  });

  it("is left alone if it is inline, since its process belongs to somebody else", async () => {
    assert.equal(await exitCode("mine.mjs"), 7);
  });
});
