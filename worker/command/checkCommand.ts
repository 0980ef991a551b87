import { closeSync, constants, existsSync, openSync, readSync, statSync } from "node:fs";
import { basename, delimiter, join } from "node:path";
import { wrongReplacement } from "../../config/replacements.ts";
import { canAccess } from "../processes/access.ts";

/** The image lacks something, and so do all pods with this image. */
export class NotInImage extends Error {}

/** Programs whose first argument is a script's file; names of such files; options before code, or before a module. */
const INTERPRETER = /^(python|pypy|node|(ba|da|a|k|z)?sh|perl|ruby|Rscript|php|julia|bun)[\d.]*$/;
const SCRIPT = /^[^{\s]+\.(py|[cm]?[jt]s|(ba|z)?sh|pl|rb|R|php|jl)$/;
const OTHER = /^-.*[cempr]$|^--(eval|print)$/;

/** @throws NotInImage, or Error, with one line if there is no such program, or an item could become code in it. */
export function checkCommand(command: string[]): void {
  const wrong = wrongReplacement(command);
  if (wrong !== undefined) throw new Error(`the command must have ${wrong}`);
  checkProgram(command);
}

/** @throws NotInImage with one line if there is no such program, or no script for it. */
export function checkProgram(command: string[]): void {
  const [program, ...args] = command as [string, ...string[]];
  const path = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, program));
  const files = (program.includes("/") ? [program] : path).filter(isFile);
  const file = files.find((one) => canAccess(one, constants.X_OK));
  if (file !== undefined) {
    checkInterpreter(program, file);
    return checkScript(program, args);
  }
  throw new NotInImage(
    files.length > 0
      ? `the command ${program} is not a program: \`chmod +x\`, or name what runs it, like ["sh", "${program}"]`
      : isFile(program)
        ? `the command ${program} is a file of the working directory, and not in PATH: write "./${program}", or what runs it in front, like "python3"`
        : `the command ${program} is not in the image: set \`baseImage\` to one that has it, name its full path, or set \`entrypoint\` if the image's ENTRYPOINT adds it to PATH`,
  );
}

/** @throws NotInImage for a script that no program can read: Linux says that there is no such script. */
function checkInterpreter(program: string, file: string): void {
  const line = firstLine(file);
  const [, interpreter, name] = /^#![ \t]*(\S+)(?:[ \t]+(?:-S[ \t]*)?([^-=\s][^=\s]*)(?=\s|$))?/.exec(line) ?? [];
  if (interpreter === undefined) return;
  if (line.endsWith("\r"))
    throw new NotInImage(
      `the command ${program} has Windows line ends, with which Linux finds no interpreter: \`dos2unix\``,
    );
  const needed = existsSync(interpreter) ? basename(interpreter) === "env" && name : interpreter;
  if (needed && !isThere(needed))
    throw new NotInImage(`the command ${program} needs ${needed}, which is not in the image`);
}

/** @throws NotInImage if the file to run is missing, since every item would fail with that. */
function checkScript(program: string, args: string[]): void {
  const at = args.findIndex((word) => !word.startsWith("-"));
  const script = args[at] ?? "";
  if (!INTERPRETER.test(basename(program)) || !SCRIPT.test(script) || OTHER.test(args[at - 1] ?? "")) return;
  if (isFile(script)) return;
  const name = basename(script);
  const way = isFile(name) ? `there it is ${name}` : "files of your own belong into `files`";
  throw new NotInImage(`the command's ${script} is not in the image, seen from ${process.cwd()}: ${way}`);
}

/** The first line of a file; empty for a file that may be run but not read. */
function firstLine(file: string): string {
  const start = Buffer.alloc(256);
  try {
    const opened = openSync(file, "r");
    readSync(opened, start);
    closeSync(opened);
  } catch {
    return "";
  }
  return start.toString("latin1").split(/[\n\0]/, 1)[0]!;
}

/** True for a path that exists, and for a name that is found in PATH. */
const isThere = (program: string) =>
  program.includes("/")
    ? existsSync(program)
    : (process.env.PATH ?? "").split(delimiter).some((dir) => isFile(join(dir, program)));

/** False also for what is closed to this user, like a folder of root's in PATH. */
function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
