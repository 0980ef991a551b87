// Bundles the programs of the image into a folder that is its whole build context.
import { appendFileSync, copyFileSync, cpSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { extname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { banner, bundle, bundleHandler, exportsOf } from "../../bundle/bundle.ts";
import { ConfigError, invalid } from "../../config/parse.ts";
import { isCurrent, recordInputs } from "./inputs.ts";
import { COPY_NODE, OLDEST_NODE, WORK_DIR } from "./layout.ts";
import { own } from "./ownFiles.ts";
import { checkPython, copyPython, copyRequirements, INSTALL, isPython } from "./python.ts";
import { copyFiles, markUsed, stage, stagedBefore } from "./stage.ts";

/** The user's part of an image. */
export interface UserFiles {
  handler: string | undefined;
  files: string | undefined;
  requirements?: string | undefined;
}

const here = fileURLToPath(import.meta.url);
/** A program: TypeScript in the checkout, and JavaScript in the package. */
const program = (path: string) => own(path + extname(here));

const programs = {
  worker: program("worker/main"),
  runner: program("worker/runner/node/main"),
  seed: program("seed/main"),
  supervisor: program("supervisor/main"),
};

/** Runs before everything else of a program, since on an older Node.js the rest would fail with obscure errors. */
const oldest = `if (parseInt(process.versions.node) < ${OLDEST_NODE}) {
  console.error("Node.js ${OLDEST_NODE} or newer is needed, and \`nodeImage\` has " + process.versions.node);
  process.exit(64);
}`;

/** @throws ConfigError for a path that is no text. */
export function checkPaths(args: { [K in keyof UserFiles]?: unknown }): void {
  for (const [setting, kind] of Object.entries({ handler: "file", files: "folder", requirements: "file" })) {
    const path = args[setting as keyof UserFiles];
    if (path !== undefined && typeof path !== "string")
      invalid(setting, `the path of a ${kind}, relative to the program`, path);
  }
}

/** @throws ConfigError for a handler of another kind, and if a file or a folder does not exist. */
export function checkExist({ handler, files, requirements }: UserFiles): void {
  if (handler !== undefined && !/\.([cm]?[jt]s|py)$/.test(handler))
    invalid("handler", "a file of TypeScript, JavaScript or Python; anything else is a `command`", handler);
  check("handler", "file", handler);
  check("files", "folder", files);
  check("requirements", "file", requirements);
  if (handler !== undefined && isPython(handler)) checkPython(handler);
}

function check(setting: string, kind: "file" | "folder", path: string | undefined): void {
  if (path === undefined) return;
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() === (kind === "folder")) return;
  throw new ConfigError(
    `Expected \`${setting}\` to be the path of a ${kind}, relative to the program, got ${JSON.stringify(path)}, and ${found ? `that is a ${found.isDirectory() ? "folder" : "file"}` : `there is no ${resolve(path)}`}.`,
  );
}

/**
 * Writes the build context: the programs, the queue's scripts, the handler and the user's files.
 * @param name Name of the image's component: each has a folder of its own.
 * @param minify Makes the handler smaller, and its stack traces harder to read.
 * @returns Path of the build context.
 * @throws ConfigError if a file does not compile or does not exist, or the handler exports nothing callable.
 */
export function stageWorker(name: string, { handler, files, requirements }: UserFiles, minify = false): string {
  return stage(name, (staged) => {
    addPrograms(`${staged}/code/bin`);
    if (isPython(handler)) copyHandler(handler!, `${staged}/code/bin`);
    else if (handler) bundleHandler(handler, `${staged}/code/bin`, minify);
    writeFileSync(`${staged}/code/package.json`, '{"type":"module"}\n');
    copyFiles(own("queue/scripts"), `${staged}/code/scripts`);
    for (const path of ["Dockerfile", "start-node.sh"]) copyFileSync(own(`worker/${path}`), `${staged}/${path}`);
    copyFileSync(COPY_NODE, `${staged}/copy-node.sh`);
    if (requirements) copyRequirements(requirements, `${staged}/code`);
    if (files) {
      copyFiles(files, `${staged}/files`);
      appendFileSync(`${staged}/Dockerfile`, `WORKDIR ${WORK_DIR}\nCOPY files/ ${WORK_DIR}/\n`);
    }
    if (requirements) appendFileSync(`${staged}/Dockerfile`, `USER 0\nRUN ${INSTALL}\nUSER 1000\n`);
  });
}

/** Adds the programs: those of an earlier run, if nothing of them has changed, or newly bundled ones. */
function addPrograms(outdir: string): void {
  const kept = stagedBefore("programs").find(isCurrent);
  if (kept !== undefined && copied(`${kept}/bin`, outdir)) return markUsed(kept);
  const options = { entryPoints: programs, splitting: true, banner: { js: `${oldest}\n${banner}` } };
  // A bundle has the paths of its inputs, relative to a folder. From our own, they are the same for every program.
  const seen = { absWorkingDir: own("."), outdir: resolve(outdir) };
  const { inputs } = bundle({ ...options, ...seen, minifyWhitespace: true, minifySyntax: true });
  stage("programs", (staged) => {
    cpSync(outdir, `${staged}/bin`, { recursive: true });
    recordInputs(staged, [
      ...Object.keys(inputs).map(own),
      here,
      program("bundle/bundle"),
      fileURLToPath(import.meta.resolve("esbuild/package.json")),
    ]);
  });
}

/** Copies a folder. @returns False if another `up` in this checkout just removed it as unused. */
function copied(from: string, to: string): boolean {
  try {
    cpSync(from, to, { recursive: true });
    return true;
  } catch {
    rmSync(to, { recursive: true, force: true });
    return false;
  }
}

/** True if a handler has a function for several items at once. */
export function hasBatchFunction(handler: string): boolean {
  if (isPython(handler)) return /\bhandle_batch\b/.test(readFileSync(handler, "utf8"));
  return exportsOf(bundle({ entryPoints: [handler], write: false, outdir: "." })).includes("handleBatch");
}

function copyHandler(handler: string, outdir: string): void {
  copyFiles(own("worker/runner/python"), `${outdir}/python`);
  copyPython(handler, `${outdir}/handler`);
}
