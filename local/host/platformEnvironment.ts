// Environment variables with which `pulumi`, `kubectl` and `docker` work on the platform.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { backendDir, binDir, cacheDir, kubeconfig, pulumiHome, stateDir } from "../paths.ts";

const dockerFile = join(stateDir, "docker-host");

/** Records the engine that `up` chose. */
export function rememberDocker(host: string): void {
  writeFileSync(dockerFile, host);
}

/**
 * URL of a folder that holds stacks. Without metadata: its file is written in place, and a `pulumi` that is killed then
 * leaves a stack that cannot be loaded.
 */
export const fileBackend = (folder: string): string => `file://${folder}?metadata=skip`;

/** The variables, by name. PATH has the platform's tools first. */
export function platformEnvironment(): Record<string, string> {
  return {
    PATH: `${binDir}:${process.env.PATH ?? ""}`,
    KUBECONFIG: kubeconfig,
    PULUMI_HOME: pulumiHome,
    PULUMI_BACKEND_URL: fileBackend(backendDir),
    // Its stacks hold the secrets of a throw-away cluster.
    PULUMI_CONFIG_PASSPHRASE: "platform",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    ...(existsSync(dockerFile) ? { DOCKER_HOST: readFileSync(dockerFile, "utf8") } : {}),
  };
}

/**
 * Puts this checkout's `wq` among the platform's tools, so that a shell finds it in any folder; and the Node.js that
 * local/launch.mjs fetched, if the machine's own cannot run the program.
 */
function linkTools(): void {
  const isFetched = process.execPath.startsWith(`${cacheDir}/`);
  const tools = { wq: join(import.meta.dirname, "../../cli/wq.mjs"), node: isFetched ? process.execPath : undefined };
  mkdirSync(binDir, { recursive: true });
  for (const [name, path] of Object.entries(tools)) {
    rmSync(join(binDir, name), { force: true });
    if (path) symlinkSync(path, join(binDir, name));
  }
}

/** The variables as lines for a shell, which then has `wq`, and a Node.js that runs the program. */
export function exportLines(): string {
  linkTools();
  const quote = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
  return Object.entries(platformEnvironment())
    .map(([name, value]) => `export ${name}=${name === "PATH" ? `${quote(binDir)}:"$PATH"` : quote(value)}`)
    .join("\n");
}
