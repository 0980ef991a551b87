// Versions of what the platform brings. Debian's packages have those of the machine's release.
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const kubernetesVersion = "v1.34.4";
/** The newest with the same client library as Kubernetes, so that both are compiled from the same packages. */
export const corednsVersion = "v1.14.1";
/** Later ones take a third longer to build, for a command that the platform does not need. */
export const pulumiVersion = "v3.230.0";

/**
 * The official Kubernetes provider, if its release cannot be downloaded. The module proxy has no release of it, only
 * its source of this day.
 */
export const kubernetesProvider = {
  module: "github.com/pulumi/pulumi-kubernetes/provider/v4",
  version: "v4.0.0-20260115033456-f47bc2d6f199",
};

/** Oldest Pulumi CLI that the program accepts, as config/pulumiVersion.ts requires it. */
export const oldestPulumi = "3.226.0";

/** Node.js of the base image `node:24-slim`, and of machines whose own is too old. */
export const nodeVersion = readFileSync(join(import.meta.dirname, "../.node-version"), "utf8").trim();

/** Go toolchain, for machines that have none or an older one. local/go/toolchain pins what it contains. */
export const goVersion = "1.26.8";
