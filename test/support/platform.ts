// The local platform, for tests that need a cluster: brought up once in a run, and left running.
import { join } from "node:path";
import { execa } from "execa";

const script = join(import.meta.dirname, "..", "..", "local", "platform.ts");

/** `platform COMMAND`, with its output. */
export function platform(...args: string[]) {
  return execa(process.execPath, [script, ...args], { all: true, reject: false });
}

let brought: Promise<Record<string, string>> | undefined;

/** Brings it up; answers the variables that pulumi, kubectl and docker need. */
export function platformUp(): Promise<Record<string, string>> {
  brought ??= (async () => {
    const up = await platform("up");
    if (up.exitCode !== 0) throw new Error(`The platform did not come up:\n${up.all}`);
    const { stdout } = await platform("env", "--json");
    return JSON.parse(stdout) as Record<string, string>;
  })();
  return brought;
}
