// Build contexts with the same bytes and modes on every machine, since the provider's hash of a context covers both.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join, relative } from "node:path";
import { ConfigError } from "../../config/parse.ts";

/** Gives files and folders the same modes under any umask. */
export function normalizeModes(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) normalizeModes(path);
    chmodSync(path, entry.isDirectory() || statSync(path).mode & 0o100 ? 0o755 : 0o644);
  }
}

/**
 * Copies a folder. Links are replaced by their targets, which an image does not have; a missing folder counts as empty.
 */
export function copyFiles(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of existsSync(from) ? readdirSync(from) : []) {
    const path = join(from, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) throw new ConfigError(`The image cannot be made: ${path} is a link that leads nowhere.`);
    if (stat.isDirectory()) copyFiles(path, join(to, name));
    else copyFileSync(path, join(to, name));
  }
}

/** Path, mode and content of every file in a folder. */
function fingerprint(dir: string): string {
  if (!existsSync(dir)) return "";
  const files = readdirSync(dir, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return paths
    .map((path) => [relative(dir, path), statSync(path).mode, readFileSync(path, "base64")].join())
    .join("\n");
}

/** Replaces `target` only where it differs, since a second `up` in the same checkout may be reading it. */
export function swapIfChanged(staged: string, target: string): void {
  if (fingerprint(staged) === fingerprint(target)) return;
  rmSync(target, { recursive: true, force: true });
  renameSync(staged, target);
}
