// A cache of slow builds and downloads, by the content of their inputs.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { isAlive } from "../../kube/startTime.ts";
import { cacheDir } from "../paths.ts";

/** A short hash of texts, and of files and folders by their names and contents. */
export function hash(texts: string[], paths: string[] = []): string {
  const digest = createHash("sha256");
  for (const text of texts) digest.update(`${text}\0`);
  for (const path of paths) {
    const files = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
      : [path];
    for (const file of files)
      digest
        .update(`${relative(path, file)}\0`)
        .update(readFileSync(file))
        .update("\0");
  }
  return digest.digest("hex").slice(0, 16);
}

/** Path of a cache entry, whether it exists or not. */
export function entryPath(name: string, key: string): string {
  return join(cacheDir, `${name}-${key}`);
}

/** Removes the folders of killed builds of this name. */
function removeUnfinished(name: string): void {
  for (const entry of readdirSync(cacheDir)) {
    const [, entryName, pid] = /^half-(.+)-(\d+)-\w+$/.exec(entry) ?? [];
    if (entryName === name && !isAlive(Number(pid))) rmSync(join(cacheDir, entry), { recursive: true, force: true });
  }
}

/**
 * The folder `name-key` of the cache, made by `build` if it does not exist. `build` works in a folder beside it,
 * which is renamed when it is complete, so an interrupted build leaves no entry. Two processes may make the same entry:
 * the first to end provides it.
 */
export async function cached(
  name: string,
  key: string,
  build: (dir: string) => Promise<void>,
): Promise<{ dir: string; built: boolean }> {
  const dir = entryPath(name, key);
  if (existsSync(dir)) return { dir, built: false };
  mkdirSync(cacheDir, { recursive: true });
  removeUnfinished(name);
  const half = mkdtempSync(join(cacheDir, `half-${name}-${process.pid}-`));
  try {
    await build(half);
    renameSync(half, dir);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    if (!existsSync(dir)) throw error;
  }
  return { dir, built: true };
}
