// Versions of what the platform brings. Debian's packages have those of the machine's release.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const kubernetesVersion = "v1.34.4";
export const corednsVersion = "v1.14.2";
export const pulumiVersion = "v3.259.0";

/** Oldest Pulumi CLI that the program accepts, as index.ts requires it. */
export const oldestPulumi = "3.226.0";

/** Node.js of the base image `node:24-slim`, and of machines whose own is too old. */
export const nodeVersion = readFileSync(join(import.meta.dirname, "../.node-version"), "utf8").trim();
