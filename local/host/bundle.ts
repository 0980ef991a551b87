// Bundles a program of the platform into one file, which runs without the checkout.
import { build } from "esbuild";

/** Variables that CommonJS packages expect and an ES module does not have. */
const BANNER = [
  'import { createRequire as r } from "node:module";',
  'import { dirname as d } from "node:path";',
  "const require = r(import.meta.url), __filename = import.meta.filename, __dirname = d(__filename);",
].join(" ");

/** Bundles `entryPoint` into `outfile`. `external`: modules that are never asked for at run time. */
export async function bundle(entryPoint: string, outfile: string, external: string[] = []): Promise<void> {
  await build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node22",
    external: ["*.node", ...external],
    banner: { js: BANNER },
    logLevel: "silent",
  });
}
