import { errorText } from "../../../queue/errorText.ts";
import { fail, items, itemsHere, reasonOf, running } from "./attempts.ts";

/** An error that no promise of a handler carries: of the item whose code threw it, or of nobody in particular. */
function onStrayError(error: unknown): void {
  const own = running.getStore();
  if (own) {
    for (const item of own) {
      if (!items.has(item.id)) console.error(`An error of item ${item.id}, after its end: ${reasonOf(error)}`);
      item.stop(new Error("An error of this item was thrown outside of its promise"));
      fail(item, error);
    }
  } else {
    console.error(errorText(error));
    process.exit(1);
  }
}
/** The exit of the process itself. */
export const exit = process.exit.bind(process);

/** Makes errors and exits that a handler causes outside of its promise fail only its own item. */
export function catchStrayErrors(): void {
  process.on("unhandledRejection", onStrayError);
  process.on("uncaughtException", onStrayError);
  process.exit = (code?: number | string | null): never => {
    const own = itemsHere();
    if (own.length === 0) return exit(code);
    const error = new Error(`the handler called process.exit(${code ?? ""})`);
    for (const item of own) fail(item, error);
    throw error;
  };
}
