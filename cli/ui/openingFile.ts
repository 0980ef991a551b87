// A file that leads the browser to the page. Everybody on the machine sees the arguments of the browser's process, but
// only the user can read the file.
import { randomBytes } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Lifetime of the file, ms: long enough for a browser that must be started. */
const LIFETIME_MS = 60_000;

/**
 * Makes it, for a minute. It is in the home folder and has no dot in front: browsers that are confined (snap) read
 * neither temporary nor hidden files.
 * @param address Without characters that mean something in HTML.
 * @returns Its path.
 */
export function doorTo(address: string): string {
  const file = join(homedir(), `wq-ui-${randomBytes(6).toString("hex")}.html`);
  const page = `<!doctype html><title>wq ui</title><meta http-equiv="refresh" content="0; url=${address}">\n`;
  writeFileSync(file, page, { mode: 0o600, flag: "wx" });
  const remove = () => rmSync(file, { force: true });
  setTimeout(remove, LIFETIME_MS).unref();
  process.on("exit", remove);
  return file;
}
