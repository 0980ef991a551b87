// A cache of what is slow to make, by the content of its inputs.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { join, relative } from "node:path";
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

/**
 * The folder `name-key` of the cache, made by `build` where it does not exist. `build` works in a folder beside it, which is renamed when it
 * is complete, so an interrupted build leaves no entry; what a killed one left is removed by the next.
 */
export async function cached(
  name: string,
  key: string,
  build: (dir: string) => Promise<void>,
): Promise<{ dir: string; built: boolean }> {
  const dir = entryPath(name, key);
  if (existsSync(dir)) return { dir, built: false };
  mkdirSync(cacheDir, { recursive: true });
  for (const old of readdirSync(cacheDir)) {
    if (old.startsWith(`half-${name}-`)) rmSync(join(cacheDir, old), { recursive: true, force: true });
  }
  const half = mkdtempSync(join(cacheDir, `half-${name}-`));
  try {
    await build(half);
    renameSync(half, dir);
  } catch (error) {
    rmSync(half, { recursive: true, force: true });
    throw error;
  }
  return { dir, built: true };
}
