import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { type Setting, settings } from "../../../config/settings.ts";
import { argsSource, pulumiYaml, settingsPage } from "../../../docs/generated.ts";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const stale = "not what the table of settings generates: run `npm run docs`";

describe("the texts that are generated from the table of settings", () => {
  it("are those of Pulumi.yaml, docs/settings.md and components/args.ts", async () => {
    assert.equal(read("Pulumi.yaml"), pulumiYaml(read("Pulumi.yaml")), `Pulumi.yaml is ${stale}`);
    assert.equal(read("docs/settings.md"), await settingsPage(), `docs/settings.md is ${stale}`);
    assert.equal(read("components/args.ts"), await argsSource(), `components/args.ts is ${stale}`);
  });

  it("give Pulumi every default except maps, and a type only to texts", () => {
    const { config } = parse(read("Pulumi.yaml")) as { config: Record<string, { type?: string; default: unknown }> };
    const expected = (Object.entries(settings) as [string, Setting][]).filter(
      ([, { default: value }]) => value !== undefined && typeof value !== "object",
    );
    assert.deepEqual(
      Object.entries(config)
        .map(([key, { default: value }]) => [key, String(value)])
        .sort(),
      expected.map(([key, { default: value }]) => [key, value]).sort(),
    );
    for (const [key, { type, default: value }] of Object.entries(config))
      assert.equal(type, typeof value === "string" ? "string" : undefined, key);
  });

  it("describe every setting", () => {
    for (const [key, { description }] of Object.entries(settings) as [string, Setting][])
      assert.match(description, /^[A-Z`].*[^.]$/s, key);
  });
});
