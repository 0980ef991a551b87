// The platform's Pulumi uses official plugins that the user has.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { installPlugins } from "../../../local/plugins/install.ts";
import { pluginVersions } from "../../../local/pluginVersions.ts";
import { platformVariables } from "../../support/platform.ts";

describe("provider plugins of the user's", function () {
  this.timeout(30 * 60_000);
  const dir = mkdtempSync(join(tmpdir(), "job-wq-2-plugins-"));
  const { HOME } = process.env;
  after(() => {
    process.env.HOME = HOME;
    rmSync(dir, { recursive: true });
  });

  it("are found by Pulumi in the home that the platform gives it", async () => {
    const env = await platformVariables();
    for (const [name, version] of Object.entries(pluginVersions)) {
      const folder = join(dir, ".pulumi", "plugins", `resource-${name}-v${version}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, `pulumi-resource-${name}`), "#!/bin/sh\n", { mode: 0o755 });
    }
    process.env.HOME = dir;
    const home = join(dir, "home");
    const said = await installPlugins(home);
    assert.deepEqual(said, ["kubernetes: official, the machine's", "docker: official, the machine's"]);
    const { stdout } = await execa("pulumi", ["plugin", "ls", "--json"], { env: { ...env, PULUMI_HOME: home } });
    const found = (JSON.parse(stdout) as { name: string; version: string }[]).map(({ name, version }) => [
      name,
      version,
    ]);
    assert.deepEqual(Object.fromEntries(found), pluginVersions);
  });
});
