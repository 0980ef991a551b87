// Bundles the programs of the image into a folder that is its whole build context.
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
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { buildSync, type BuildFailure } from "esbuild";

/** Relative and constant: the provider compares it as a text. */
export const CONTEXT = "components/.context/worker";

const programs = {
  worker: "worker/main.ts",
  seed: "seed/main.ts",
  verdict: "worker/verdict.ts",
  livenessProbe: "worker/livenessProbe.ts",
  leaseKeeperThread: "queue/consumer/leaseKeeperThread.ts",
};

/** CommonJS packages ask for these, which an ES module does not have. */
const banner = [
  'import { createRequire as jobWqRequire } from "node:module";',
  'import { dirname as jobWqDirname } from "node:path";',
  "const require = jobWqRequire(import.meta.url), __filename = import.meta.filename, __dirname = jobWqDirname(__filename);",
].join("\n");

/** The handler is not one, or does not compile, or a file beside it is not there: one line with its place. */
export class BadHandler extends Error {
  override name = "BadHandler";
}

function build(entryPoints: Record<string, string>, outdir: string | undefined) {
  try {
    return buildSync({
      entryPoints,
      ...(outdir ? { outdir } : { write: false, outdir: "." }),
      bundle: true,
      metafile: true,
      format: "esm",
      platform: "node",
      target: "node22",
      banner: { js: banner },
      legalComments: "none",
      logLevel: "silent",
    });
  } catch (error) {
    const [first] = (error as BuildFailure).errors ?? [];
    if (!first) throw error;
    const where = first.location ? `${first.location.file}:${first.location.line}: ` : "";
    throw new BadHandler(`The image cannot be bundled: ${where}${first.text}`);
  }
}

/** The same bytes and modes wherever and under whatever umask it runs: the provider's hash of the context covers both. */
export function settleModes(dir: string): void {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) settleModes(path);
    chmodSync(path, entry.isDirectory() || statSync(path).mode & 0o100 ? 0o755 : 0o644);
  }
}

/** Copies a folder, what links lead to included: they lead nowhere in an image. A folder that is not there is an empty one. */
function copyFiles(from: string, to: string): void {
  mkdirSync(to);
  for (const name of existsSync(from) ? readdirSync(from) : []) {
    const path = join(from, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (!stat) throw new BadHandler(`The image cannot be made: ${path} is a link that leads nowhere.`);
    if (stat.isDirectory()) copyFiles(path, join(to, name));
    else copyFileSync(path, join(to, name));
  }
}

/** Every file below a folder: path, mode and content. */
function contents(dir: string): string {
  if (!existsSync(dir)) return "";
  const files = readdirSync(dir, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  return paths
    .map((path) => [relative(dir, path), statSync(path).mode, readFileSync(path, "base64")].join())
    .join("\n");
}

/** Puts a folder in another's place where they differ: a second `up` in this checkout may be reading the other. */
function replace(half: string, whole: string): void {
  const same = contents(half) === contents(whole);
  rmSync(same ? half : whole, { recursive: true, force: true });
  if (!same) renameSync(half, whole);
}

/** @throws BadHandler where worker/handler.ts does not compile or has no default export. */
export function checkHandler(): void {
  const { outputs } = build({ handler: "worker/handler.ts" }, undefined).metafile;
  if (outputs["handler.js"]?.exports.includes("default")) return;
  throw new BadHandler(
    "worker/handler.ts exports nothing callable: it needs `export default async function handle(item, context)`.",
  );
}

/**
 * Writes the build context of the image to {@link CONTEXT}: the programs, the queue's scripts, and what lies in worker/files.
 * @throws BadHandler where something of it does not compile, or is not there.
 */
export function bundle(): string {
  const half = `${CONTEXT}-${process.pid}`;
  try {
    build(programs, `${half}/app/bin`);
    writeFileSync(`${half}/app/package.json`, '{"type":"module"}\n');
    copyFiles("queue/scripts", `${half}/app/scripts`);
    copyFileSync("worker/Dockerfile", `${half}/Dockerfile`);
    copyFiles("worker/files", `${half}/files`);
    settleModes(half);
    replace(half, CONTEXT);
  } finally {
    rmSync(half, { recursive: true, force: true });
  }
  return CONTEXT;
}
