import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { keysOf, readSettings, settingsText } from "../../../config/toldSettings.ts";
import { batchSettings, type Program, type Setting } from "../../../config/settings.ts";

const root = join(import.meta.dirname, "../../..");
const folders: Record<Program, string> = { worker: "worker", seed: "seed", supervisor: "supervisor" };
const programs = Object.keys(folders) as Program[];
const table = batchSettings as Record<string, Setting>;

describe("the settings of a program of the image", () => {
  for (const program of programs) {
    it(`are used by it: ${program}`, () => {
      const folder = join(root, folders[program]);
      const sources = readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((file) => file.endsWith(".ts"))
        .map((file) => readFileSync(join(folder, file), "utf8"))
        .join("\n");
      const unused = keysOf(program).filter((key) => !new RegExp(`\\b${key}\\b`).test(sources));
      assert.deepEqual(unused, []);
    });

    it(`arrive as the Batch parsed them, or with the defaults of the table: ${program}`, () => {
      const told = readSettings(program, settingsText({ queue: "q" })) as unknown as Record<string, unknown>;
      for (const key of keysOf(program)) {
        const { default: text, parse } = table[key]!;
        assert.deepEqual(told[key], text === undefined ? undefined : parse(key, text), key);
      }
      assert.deepEqual(readSettings(program, settingsText({ ...told, lease: 5_000 })), { ...told, lease: 5_000 });
    });
  }

  it("hold no secret", () => {
    for (const program of programs)
      assert.deepEqual(
        keysOf(program).filter((key) => table[key]!.secret),
        [],
      );
  });
});
