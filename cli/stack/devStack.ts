// The stack that `npm start` runs: on the local platform, in a backend of the platform's own, with its settings beside it, so that the checkout stays clean.
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { environment } from "../../local/host/environment.ts";
import { stateDir } from "../../local/paths.ts";
import { pulumi, type StackLocation } from "./stack.ts";

const root = join(import.meta.dirname, "../..");
const STACK = "dev";

/** Runs a script of this project with the Node.js that runs this one. */
export function script(path: string, ...args: string[]) {
  return execa(process.execPath, [join(root, path), ...args], { cwd: root, stdio: "inherit", reject: false });
}

/** Where the stack `dev` is. Its settings are a copy of the checkout's: `pulumi stack init` writes a salt into them, and `npm run retry` a number. */
export function devHome(): StackLocation & { stack: string; configFile: string } {
  const configFile = join(stateDir, "start", `Pulumi.${STACK}.yaml`);
  return { stack: STACK, configFile, env: environment() };
}

/** The settings, brought in line with the checkout's when those were edited since. */
function copySettings(configFile: string): void {
  const dir = join(configFile, "..");
  const seen = join(dir, "seen.yaml");
  const wanted = readFileSync(join(root, `Pulumi.${STACK}.yaml`), "utf8");
  mkdirSync(dir, { recursive: true });
  copyFileSync(join(root, "Pulumi.yaml"), join(dir, "Pulumi.yaml"));
  if (existsSync(configFile) && existsSync(seen) && readFileSync(seen, "utf8") === wanted) return;
  const salt = existsSync(configFile) ? /^encryptionsalt: .*$/m.exec(readFileSync(configFile, "utf8"))?.[0] : undefined;
  writeFileSync(configFile, salt ? `${wanted.trimEnd()}\n${salt}\n` : wanted);
  writeFileSync(seen, wanted);
}

/** Makes the stack where there is none yet. */
export async function prepareStack(): Promise<ReturnType<typeof devHome>> {
  const home = devHome();
  copySettings(home.configFile);
  const { stdout } = await pulumi(home, ["stack", "ls", "--json"]);
  if (!(JSON.parse(String(stdout)) as { name: string }[]).some(({ name }) => name === STACK)) {
    await execa("pulumi", ["stack", "init", STACK, "--non-interactive"], {
      cwd: join(home.configFile, ".."),
      env: home.env,
    });
  }
  return home;
}
