import * as pulumi from "@pulumi/pulumi";
import { ConfigError } from "./parse.ts";

/** The oldest Pulumi CLI that works: earlier ones ignore `replacementTrigger`, and would not run Jobs again. */
const NEEDED = "3.226.0";

/** @throws ConfigError of one line on Bun: its TLS takes no settings of the Kubernetes client. */
export function requireNodejs({ bun }: NodeJS.Dict<string> = process.versions): void {
  if (bun !== undefined)
    throw new ConfigError(
      "job-wq-2 runs on Node.js, and this is Bun, which cannot check the certificate of a cluster: set `runtime: nodejs` in Pulumi.yaml; Bun may install the packages.",
    );
}

/** @throws ConfigError of one line if the Pulumi CLI is too old. */
export async function requirePulumi(): Promise<void> {
  await pulumi.requirePulumiVersion(`>=${NEEDED}`).catch(({ message }: Error) => {
    const reason = message.replace(/^\d+ [A-Z_]+: /, "");
    throw new ConfigError(`${reason}; get a newer one: https://www.pulumi.com/docs/install/`);
  });
}
