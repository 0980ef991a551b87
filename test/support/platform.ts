// The cluster of the tests: the local platform, brought up once in a run and left running, or that of the kubeconfig.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { platformEnvironment } from "../../local/host/platformEnvironment.ts";
import { pulumiHome as platformHome } from "../../local/paths.ts";
import { root } from "./checkout.ts";

/** With TEST_CLUSTER=current the tests run on the cluster of the kubeconfig instead, with the tools on PATH. */
const isOwnCluster = process.env.TEST_CLUSTER === "current";

/** `platform COMMAND`, with its output. */
export function platform(...args: string[]) {
  return execa(process.execPath, [join(root, "local/platform.ts"), ...args], { cwd: root, all: true, reject: false });
}

let isUp: Promise<void> | undefined;

/** Brings the platform up, once per process. If it runs already, that takes seconds; otherwise minutes. */
export function platformUp(): Promise<void> {
  isUp ??= (async () => {
    const up = await platform("up");
    if (up.exitCode !== 0) throw new Error(`The platform did not come up:\n${up.all}`);
  })();
  return isUp;
}

/** Brings it up; answers the variables that `platform env` has for pulumi, kubectl and docker. */
export async function platformVariables(): Promise<Record<string, string>> {
  await platformUp();
  const { stdout } = await platform("env", "--json");
  return JSON.parse(stdout) as Record<string, string>;
}

/** Makes a cluster ready for stacks. */
export const clusterUp = async (): Promise<void> => (isOwnCluster ? undefined : platformUp());

/**
 * Brings the platform up before the tests of the `describe` that calls this. On a new machine it is built first.
 * @param prepare Makes what else the tests need.
 */
export function onPlatform(prepare?: () => unknown): void {
  before(async function () {
    this.timeout(1_800_000);
    await clusterUp();
    await prepare?.();
  });
}

let home: string | undefined;

/** A PULUMI_HOME of the tests' own, with the platform's plugins. The user's own notes which stacks are selected. */
function pulumiHome(): string {
  if (home === undefined) {
    const folder = (home = mkdtempSync(join(tmpdir(), "job-wq-2-home-")));
    symlinkSync(join(platformHome, "plugins"), join(folder, "plugins"));
    mkdirSync(join(folder, "tmp"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  }
  return home;
}

/** Variables with which pulumi, kubectl and docker work on the cluster of the tests. */
export function environment(): Record<string, string> {
  // A killed Pulumi leaves pipes behind, and its providers leave kubeconfigs. They go with this folder.
  if (!isOwnCluster) return { ...platformEnvironment(), PULUMI_HOME: pulumiHome(), TMPDIR: join(pulumiHome(), "tmp") };
  return { PULUMI_CONFIG_PASSPHRASE: "test", PULUMI_SKIP_UPDATE_CHECK: "true" };
}

/** Output of a command. */
export interface Said {
  ok: boolean;
  /** Standard output and error, interleaved. */
  text: string;
}

/** Runs a command with the platform's environment; it may fail. */
export async function say(
  command: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
) {
  const { cwd = root, env } = options;
  const run = await execa(command, args, { cwd, env: { ...environment(), ...env }, all: true, reject: false });
  return { ok: run.exitCode === 0, text: run.all };
}

/** Runs kubectl; rejects when it fails. */
export async function kubectl(...args: string[]): Promise<string> {
  return (await execa("kubectl", args, { env: environment() })).stdout;
}
