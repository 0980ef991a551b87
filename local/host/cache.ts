// What is slow to make is made once for each content of its inputs.
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

/** Path of an entry of the cache, whether it is there or not. */
export function entryPath(name: string, key: string): string {
  return join(cacheDir, `${name}-${key}`);
}

/**
 * The folder `name-key` of the cache, made by `build` in a folder beside it if it is not there. It gets its name when it is whole,
 * so an interrupted build leaves no entry; what one that was killed left half-made is removed.
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
