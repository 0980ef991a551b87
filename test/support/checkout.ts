// Copies of this checkout, for tests that change a file of it, or pack it.
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { execa } from "execa";

export const root = join(import.meta.dirname, "../..");

/** A copy of the checkout, for a test that edits a file of it; the dependencies are shared. */
export function checkout(): { project: string; remove: () => void } {
  const project = mkdtempSync(join(tmpdir(), "job-wq-2-checkout-"));
  const left = ["node_modules", ".git", ".state", ".job-wq-2", "test", ".context"];
  cpSync(root, project, { recursive: true, filter: (path) => !left.includes(basename(path)) });
  symlinkSync(realpathSync(join(root, "node_modules")), join(project, "node_modules"));
  return { project, remove: () => rmSync(project, { recursive: true, force: true }) };
}

/** Packs the package into a folder, from a checkout of its own: others pack meanwhile. @returns The tarball's path. */
export async function pack(dir: string): Promise<string> {
  const { project, remove } = checkout();
  try {
    await execa("npm", ["run", "-s", "pack", "--", "--pack-destination", dir], { cwd: project });
  } finally {
    remove();
  }
  return join(
    dir,
    readdirSync(dir).find((name) => name.endsWith(".tgz"))!,
  );
}
