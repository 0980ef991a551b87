// Digest of a build context: names, modes and contents of its files, and the Dockerfile, as in the official plugin
// (https://github.com/pulumi/pulumi-docker, provider/image.go).
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** A hash that changes whenever the image would change. */
export function contextDigest(context: string, dockerfile: string): string {
  const hash = createHash("sha256").update(readFileSync(dockerfile));
  const files = readdirSync(context, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(`${file}\0${statSync(file).mode.toString(8)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}
