import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { wrongReplacement } from "../config/replacements.ts";

/** The image lacks something, so each of its pods does. */
export class NotInImage extends Error {}

/** @throws NotInImage, or Error, with one line where there is no such program, or an item could become code in it. */
export function checkCommand(command: string[]): void {
  const wrong = wrongReplacement(command);
  if (wrong !== undefined) throw new Error(`the command must have ${wrong}`);
  const [program] = command;
  const path = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, program!));
  const found = (program!.includes("/") ? [program!] : path).some((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found)
    throw new NotInImage(
      `the command ${program} is not in the image: set \`baseImage\` to one that has it, name its full path, or set \`entrypoint\` where the image's ENTRYPOINT makes it found`,
    );
}
