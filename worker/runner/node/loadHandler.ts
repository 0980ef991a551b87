// Loads the function that is called for each item.
import { spawnSync } from "node:child_process";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { ItemContext } from "../../../queue/index.ts";

export type BatchFunction = (items: string[], context: { items: ItemContext[] }) => unknown;

export type OneFunction = (item: string, context: ItemContext) => unknown;

/** Exports of a handler's file: its default is called for each item, `handleBatch` for several at once. */
export interface HandlerFunctions {
  one?: OneFunction;
  batch?: BatchFunction;
}

/** File and line of what does not compile. With source maps Node.js tells them only if it runs the file itself. */
function positionOf(error: unknown, file: string): string {
  if (!(error instanceof SyntaxError)) return "";
  const { stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  const [, path, line] = /^(?:file:\/\/)?(\/.*):(\d+)$/m.exec(stderr) ?? [];
  return path ? ` (${basename(path)}:${line})` : "";
}

/**
 * The functions of a handler's file.
 * @param name What messages call it.
 * @param kind Which of them is needed.
 * @throws Error with one line if it does not load, or exports nothing that can be called.
 */
export async function loadFunctions(file: string, name: string, kind: "one" | "batch"): Promise<HandlerFunctions> {
  let module: { default?: unknown; handleBatch?: unknown };
  try {
    module = (await import(pathToFileURL(resolve(file)).href)) as typeof module;
  } catch (error) {
    throw new Error(`${name} does not load: ${String(error).split("\n")[0]}${positionOf(error, file)}`, {
      cause: error,
    });
  }
  // TypeScript makes such a default export for CommonJS.
  const compiled = (module.default as typeof module | undefined)?.default;
  if (typeof compiled === "function") module = module.default as typeof module;
  if (kind === "batch") {
    if (typeof module.handleBatch === "function") return { batch: module.handleBatch as BatchFunction };
    throw new Error(`${name} needs \`export async function handleBatch(items, context)\`, since \`batch\` is set`);
  }
  if (typeof module.default === "function") return { one: module.default as OneFunction };
  throw new Error(`${name} exports nothing callable: it needs \`export default async function handle(item, context)\``);
}
