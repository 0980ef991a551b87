// The storage of the cluster: its name, and the program that provides it.
import { join } from "node:path";
import { bundle } from "../host/bundle.ts";
import { cached, entryPath, hash } from "../host/cache.ts";
import { provisionerName } from "./provisionerName.ts";

const source = join(import.meta.dirname, "provisioner.ts");
const inputs = [
  source,
  join(import.meta.dirname, "provisionerName.ts"),
  join(import.meta.dirname, "../../package-lock.json"),
];

const key = () => hash([provisionerName], inputs);

/** Path of the provisioner as one file, so that it does not depend on a checkout. */
export const provisionerScript = () => join(entryPath("provisioner", key()), "provisioner.mjs");

/** Makes it. */
export async function bundleProvisioner(): Promise<void> {
  await cached("provisioner", key(), (half) => bundle(source, join(half, "provisioner.mjs")));
}
