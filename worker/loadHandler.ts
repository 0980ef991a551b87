// Loads the function that is called for each item: the handler, or one that runs a command.
import { accessSync, constants } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Handler } from "../queue/index.ts";
import { commandHandler } from "./command.ts";

/** Name of the handler's file, for messages. */
const handlerFile = process.env.WQ_HANDLER ?? "worker/handler.ts";

/**
 * The handler of a file; by default the one beside this program.
 * @throws Error with one line where it does not load or exports nothing callable.
 */
export async function loadHandler(file?: string): Promise<Handler> {
  const name = file ?? handlerFile;
  // Bundled, the handler is a file beside this program.
  const beside = new URL(import.meta.url.endsWith(".ts") ? "./handler.ts" : "./handler.js", import.meta.url);
  const url = file === undefined ? beside : pathToFileURL(resolve(file));
  let module: { default?: unknown };
  try {
    module = (await import(url.href)) as { default?: unknown };
  } catch (error) {
    throw new Error(`${name} does not load: ${String(error).split("\n")[0]}`, { cause: error });
  }
  if (typeof module.default !== "function") {
    throw new Error(
      `${name} exports nothing callable: it needs \`export default async function handle(item, context)\``,
    );
  }
  return module.default as Handler;
}

/** A program that is run once for each item. @throws Error with one line where there is no such program. */
export function loadCommand(command: string[], maxResultBytes: number): Handler {
  const [program] = command as [string];
  const path = (process.env.PATH ?? "").split(delimiter).map((dir) => join(dir, program));
  const found = (program.includes("/") ? [program] : path).some((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found)
    throw new Error(
      `the command ${program} is not in the image: set \`baseImage\` to one that has it, or name its full path`,
    );
  return commandHandler(command, maxResultBytes);
}
