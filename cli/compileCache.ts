// Compiled code that is kept between runs: it halves the time that loading takes.
import { lstatSync, mkdirSync } from "node:fs";
import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Keeps it in a folder that nobody else can write, since Node.js runs what it finds there. The default of Node.js is a
 * name in the system's temporary folder, which another user may have made first. Without a safe folder nothing is kept.
 */
export function keepCompiledCode(): void {
  // The checkout's launcher or the user has chosen a folder.
  if (process.env.NODE_COMPILE_CACHE) return void enableCompileCache?.();
  try {
    const folder = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "job-wq-2", "compiled");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const { uid, mode } = lstatSync(folder);
    if (process.getuid && (uid !== process.getuid() || (mode & 0o77) !== 0)) return;
    enableCompileCache?.(folder);
  } catch {
    // There is no home, or the disk is full.
  }
}
