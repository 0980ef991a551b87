import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Setting, settings } from "../../config/settings.ts";

type Entry = { type?: string; default: unknown; description: string };
const file = readFileSync(join(import.meta.dirname, "../../Pulumi.yaml"), "utf8");
const { config } = parse(file) as { config: Record<string, Entry> };

describe("the schema in Pulumi.yaml", () => {
  it("has the settings with a default, each with that default and what it is", () => {
    const said = Object.entries(config).map(([key, entry]) => [key, String(entry.default), entry.description]);
    const meant = (Object.entries(settings) as [string, Setting][])
      .filter(([, setting]) => setting.default !== undefined)
      .map(([key, setting]) => [key, setting.default, setting.about.replaceAll("`", "")]);
    assert.deepEqual(said, meant);
  });

  it("gives texts their type", () => {
    for (const [key, entry] of Object.entries(config)) {
      assert.equal(entry.type, typeof entry.default === "string" ? "string" : undefined, key);
    }
  });
});
