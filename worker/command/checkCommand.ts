import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { wrongReplacement } from "../../config/replacements.ts";

/** The image lacks something, so each of its pods does. */
export class NotInImage extends Error {}

/** @throws NotInImage, or Error, with one line where there is no such program, or an item could become code in it. */
export function checkCommand(command: string[]): void {
  const wrong = wrongReplacement(command);
  if (wrong !== undefined) throw new Error(`the command must have ${wrong}`);
  const program = command[0]!;
  const path = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, program));
  const files = (program.includes("/") ? [program] : path).filter(isFile);
  const file = files.find(isExecutable);
  if (file !== undefined) return checkInterpreter(program, interpreterOf(file));
  throw new NotInImage(
    files.length > 0
      ? `the command ${program} is not a program: \`chmod +x\`, or name what runs it, like ["sh", "${program}"]`
      : `the command ${program} is not in the image: set \`baseImage\` to one that has it, name its full path, or set \`entrypoint\` if the image's ENTRYPOINT adds it to PATH`,
  );
}

/** @throws NotInImage for a script that no program can read: Linux says that there is no such script. */
function checkInterpreter(program: string, interpreter: string | undefined): void {
  if (interpreter === undefined || existsSync(interpreter)) return;
  throw new NotInImage(
    interpreter.endsWith("\r")
      ? `the command ${program} has Windows line ends, with which Linux finds no interpreter: \`dos2unix\``
      : `the command ${program} needs ${interpreter}, which is not in the image`,
  );
}

/** The path after `#!`; undefined for what is no script. */
function interpreterOf(file: string): string | undefined {
  const start = Buffer.alloc(256);
  try {
    const opened = openSync(file, "r");
    readSync(opened, start);
    closeSync(opened);
  } catch {
    return undefined; // it may be run, and not read
  }
  return /^#![ \t]*([^ \t\n\0]+)/.exec(start.toString("latin1"))?.[1];
}

const isFile = (file: string) => statSync(file, { throwIfNoEntry: false })?.isFile() === true;

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
