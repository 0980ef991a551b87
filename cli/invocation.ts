// The way to type `wq` in the shell of this process, for all messages with commands.
import { accessSync, constants } from "node:fs";
import { delimiter, join, sep } from "node:path";

/**
 * True if a shell finds `wq` by its name. npm and the launcher put folders `node_modules/.bin` on PATH that the shell
 * does not have.
 */
function isOnPath(path: string): boolean {
  const suffix = `node_modules${sep}.bin`;
  return path.split(delimiter).some((dir) => {
    if (dir === "" || dir.endsWith(suffix)) return false;
    try {
      accessSync(join(dir, "wq"), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const onPath = isOnPath(process.env.PATH ?? "");

/**
 * A command line of `wq` as it can be typed here: `wq status`, or `npx --no wq status` if only npm finds it. Without
 * `--no`, npx fetches whatever package has the name if `wq` is not installed, in CI without asking.
 */
export function wq(args = ""): string {
  return [onPath ? "wq" : "npx --no wq", args].filter(Boolean).join(" ");
}
