// Bundles programs and handlers, as they run in a pod.
import { type BuildFailure, type BuildOptions, buildSync, type Metafile } from "esbuild";
import { ConfigError } from "../config/parse.ts";
import { checkWhole } from "./wholePackages.ts";

/**
 * Variables that CommonJS packages expect and an ES module does not have. A module that declares them itself keeps
 * its own.
 */
export const banner = [
  'import { createRequire as createRequireOfBundle } from "node:module";',
  "globalThis.require ??= createRequireOfBundle(import.meta.url);",
  "const filenameOfBundle = import.meta.filename, dirnameOfBundle = import.meta.dirname;",
].join("\n");
const define = { __filename: "filenameOfBundle", __dirname: "dirnameOfBundle" };

/** A package may ask for another one that is not installed, like a driver that few of its users need. */
const LACKS = /^Could not resolve "(.+)"$/;

/**
 * Bundles files.
 * @param external Modules that are left out, besides native code; they are looked for when they are used.
 * @throws ConfigError of one line if one does not compile, or imports what is not installed.
 */
export function bundle(options: BuildOptions, external: string[] = []): Metafile {
  try {
    const { metafile } = buildSync({
      external: ["*.node", ...external],
      bundle: true,
      metafile: true,
      format: "esm",
      platform: "node",
      target: "node22",
      banner: { js: banner },
      define,
      legalComments: "none",
      logLevel: "silent",
      ...options,
    });
    return metafile!;
  } catch (error) {
    const { errors = [] } = error as BuildFailure;
    const lacking = errors.map(({ text, location }) =>
      location?.file.includes("node_modules/") ? LACKS.exec(text)?.[1] : undefined,
    );
    const first = errors[lacking.indexOf(undefined)];
    if (!first && lacking.length > 0 && external.length === 0) return bundle(options, lacking as string[]);
    if (!first) throw error;
    const where = first.location ? `${first.location.file}:${first.location.line}: ` : "";
    throw new ConfigError(`The handler cannot be bundled: ${where}${first.text}`);
  }
}

/** Names that the bundled files export. */
export const exportsOf = ({ outputs }: Metafile): string[] => Object.values(outputs).flatMap(({ exports }) => exports);

/**
 * Bundles a handler into `handler.js`.
 * @param minify Makes it smaller, and its stack traces harder to read.
 * @throws ConfigError if it cannot be bundled, or exports nothing callable.
 */
export function bundleHandler(handler: string, outdir: string, minify = false): void {
  // With a map, stacks name the handler's own file and line. A minified handler has none, to be small.
  const sourcemap = !minify && "linked";
  const options: BuildOptions = { entryPoints: { handler }, outdir, minify, sourcemap, sourcesContent: false };
  const metafile = bundle(options);
  checkWhole(metafile, handler);
  if (["default", "handleBatch"].some((name) => exportsOf(metafile).includes(name))) return;
  throw new ConfigError(
    `${handler} exports nothing callable: it needs \`export default async function handle(item, context)\`.`,
  );
}
