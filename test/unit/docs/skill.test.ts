import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exitCodeTable } from "../../../cli/exitCodes.ts";
import { verbs } from "../../../cli/verbs.ts";

describe("SKILL.md", () => {
  const text = readFileSync(join(import.meta.dirname, "../../../SKILL.md"), "utf8");

  it("names every verb and every exit code", () => {
    for (const { name } of verbs) if (name !== "completion") assert.match(text, new RegExp(`\`${name}[ \`]`), name);
    for (const code of Object.keys(exitCodeTable)) assert.match(text, new RegExp(`^\\| ${code} `, "m"), code);
  });
});
