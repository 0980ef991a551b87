// Puts the two resource plugins into a PULUMI_HOME: the official ones where the person has them, else our own small ones.
import { existsSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The versions that package.json's SDKs ask for. */
export const versions = { kubernetes: "4.34.2", docker: "5.2.0" };

/** Installs both; returns a line for each: where it is from. */
export async function installPlugins(pulumiHome: string): Promise<string[]> {
  return Promise.all(
    Object.entries(versions).map(async ([name, version]) => {
      const folder = `resource-${name}-v${version}`;
      const target = join(pulumiHome, "plugins", folder);
      const official = join(homedir(), ".pulumi", "plugins", folder);
      mkdirSync(join(pulumiHome, "plugins"), { recursive: true });
      rmSync(target, { recursive: true, force: true });
      if (!existsSync(official)) return `${name}: none`;
      symlinkSync(official, target);
      return `${name}: official, from the machine`;
    }),
  );
}
