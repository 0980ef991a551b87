// Programs of Debian packages, for machines that do not have them.
import { execa } from "execa";
import { cached } from "../../local/host/cache.ts";
import { debianMirror } from "../../local/host/preflight.ts";

/**
 * Unpacks a package with all that it needs, once, into the user's cache.
 * @returns The root of the tree, with `/usr/bin` and its libraries.
 */
export async function debianPackage(suite: string, name: string): Promise<string> {
  const { dir } = await cached("debian", `${name}-${suite}`, async (half) => {
    await execa("mmdebstrap", ["--variant=extract", "--mode=root", `--include=${name}`, suite, half, debianMirror()]);
  });
  return dir;
}
