// This project's own files: the programs of the image, in TypeScript in the checkout and compiled in the package, and
// the scripts that containers run.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ConfigError } from "../../config/parse.ts";

/** Undefined in a bundle of CommonJS. */
const here: string | undefined = import.meta.dirname;

// In a bundle, our files are not found. Without this check, the first one would fail with an error of Node.js.
if (here === undefined || !existsSync(join(here, "copy-node.sh")))
  throw new ConfigError(
    "job-wq-2 reads files of its own, so a program that is bundled must leave it out: `esbuild --packages=external`, `ncc -e job-wq-2`.",
  );

/** The path of such a file. */
export const own = (path: string): string => join(here, "../..", path);
