// Inputs of a bundle: while all of them are the same, so is the bundle.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const digest = (path: string) =>
  existsSync(path) ? createHash("sha256").update(readFileSync(path)).digest("base64") : "";

const recordOf = (dir: string) => `${dir}/inputs.json`;

/** Notes in the folder of a bundle which files it was made of. */
export function recordInputs(dir: string, paths: string[]): void {
  writeFileSync(recordOf(dir), JSON.stringify(Object.fromEntries(paths.map((path) => [path, digest(path)]))));
}

/** True if the files that a bundle was made of are what they were. */
export function isCurrent(dir: string): boolean {
  if (!existsSync(recordOf(dir))) return false;
  const inputs = Object.entries(JSON.parse(readFileSync(recordOf(dir), "utf8")) as Record<string, string>);
  return inputs.length > 0 && inputs.every(([path, was]) => digest(path) === was);
}
