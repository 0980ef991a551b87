// Build contexts with the same bytes and modes on every machine, since the provider's hash of a context covers both.
import { createHash } from "node:crypto";
import {
  accessSync,
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { ConfigError } from "../../config/parse.ts";

const OWN = ".job-wq-2";

/**
 * Folder of build contexts and bundles; it may be deleted at any time. It lies in the program's folder or, if that
 * cannot be written (often in a container), in the temporary one. `wq run` has its own.
 */
function stageFolder(): string {
  if (process.env.JOB_WQ_2_STAGE) return process.env.JOB_WQ_2_STAGE;
  try {
    mkdirSync(OWN, { recursive: true, mode: 0o700 });
    accessSync(OWN, constants.W_OK);
  } catch (error) {
    const isReadOnly = ["EACCES", "EPERM", "EROFS"].includes((error as NodeJS.ErrnoException).code!);
    if (isReadOnly) return join(tmpdir(), `job-wq-2-${process.getuid?.() ?? "stage"}`);
  }
  return OWN;
}

/** Gives files and folders the same modes under any umask. */
function normalizeModes(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) normalizeModes(path);
    chmodSync(path, entry.isDirectory() || statSync(path).mode & 0o100 ? 0o755 : 0o644);
  }
}

/** Traces of tools, which change without the files and are of no use in an image. */
const LEFT = new Set(["__pycache__", ".git"]);

/**
 * Copies a folder. Links are replaced by their targets, which an image does not have.
 * @throws ConfigError for a link that leads nowhere or to a folder that it is in, and for a pipe, a socket or a device.
 */
export function copyFiles(from: string, to: string, above: string[] = []): void {
  const real = realpathSync(from);
  if (above.includes(real))
    throw new ConfigError(`The image cannot be made: ${from} is a link that leads back to a folder it is in.`);
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (LEFT.has(name)) continue;
    const path = join(from, name);
    if (resolve(path) === resolve(stageFolder())) continue; // the copy itself, if the folder is that of the program
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) throw new ConfigError(`The image cannot be made: ${path} is a broken symbolic link.`);
    if (stat.isDirectory()) copyFiles(path, join(to, name), [...above, real]);
    else if (!stat.isFile())
      throw new ConfigError(
        `The image cannot be made: ${path} is neither a file nor a folder (a pipe, a socket, a device).`,
      );
    else copyFileSync(path, join(to, name));
  }
}

/** An `up` reads a folder for at most this long after its first use, ms. */
const UNUSED_MS = 60 * 60_000;

/**
 * Makes a folder, or takes the one with the same content. Its path changes with its content: another `up` in the same
 * checkout may be reading what was there before, or be making the same one now.
 * @param name First part of the folder's name; the digest of the content follows.
 * @param fill Writes its content into an empty folder.
 * @returns Its path.
 */
export function stage(name: string, fill: (dir: string) => void): string {
  makeOwn(stageFolder());
  writeFileSync(join(stageFolder(), ".gitignore"), "*\n");
  const staged = mkdtempSync(join(stageFolder(), "staged-"));
  try {
    fill(staged);
    normalizeModes(staged);
    const path = join(stageFolder(), `${name.replaceAll(/[^\w.-]/g, "-")}-${digestOf(staged)}`);
    publish(staged, path);
    markUsed(path);
    return path;
  } finally {
    rmSync(staged, { recursive: true, force: true });
    removeUnused();
  }
}

/**
 * Makes a folder that only its owner may read, since the copied files may be private.
 * @throws ConfigError if it is somebody else's, or a link: the current folder may be one that others write, /tmp.
 */
function makeOwn(dir: string): void {
  if (!lstatSync(dir, { throwIfNoEntry: false })) mkdirSync(dir, { recursive: true, mode: 0o700 });
  const found = lstatSync(dir);
  const owners = [process.getuid?.() ?? found.uid, statSync(".").uid];
  if (!found.isDirectory() || !owners.includes(found.uid))
    throw new ConfigError(
      `${resolve(dir)} is ${found.isDirectory() ? "another user's" : "no folder"}: delete it, or go to a folder of your own.`,
    );
  chmodSync(dir, 0o700);
}

/** Puts a folder in its place, unless the same one is there: from before, or by another `up` just now. */
function publish(staged: string, path: string): void {
  try {
    renameSync(staged, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}

/** Paths of the folders with this name whose content is unchanged. Called while another folder is being filled. */
export function stagedBefore(name: string): string[] {
  return readdirSync(stageFolder())
    .filter((found) => found.startsWith(`${name}-`) && isWhole(found))
    .map((found) => join(stageFolder(), found));
}

/** True if its content is what its name says. */
function isWhole(found: string): boolean {
  try {
    return found.endsWith(`-${digestOf(join(stageFolder(), found))}`);
  } catch {
    return false; // another `up` removes it
  }
}

/** Keeps a folder for as long as an `up` may read it. */
export function markUsed(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}

function removeUnused(): void {
  for (const entry of readdirSync(stageFolder(), { withFileTypes: true })) {
    const path = join(stageFolder(), entry.name);
    const used = entry.isDirectory() && statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (used && Date.now() - used > UNUSED_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** Changes with the path, mode or content of anything in a folder. */
function digestOf(dir: string): string {
  const digest = createHash("sha256");
  for (const name of (readdirSync(dir, { recursive: true }) as string[]).sort()) {
    const stat = statSync(join(dir, name));
    const content = stat.isFile() ? readFileSync(join(dir, name)) : "";
    digest.update([name, stat.mode, content.length, ""].join("\0")).update(content);
  }
  return digest.digest("hex").slice(0, 16);
}
