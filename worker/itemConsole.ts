// `console` of a handler: what it prints is in the log of its item, though many items share the process.
import { AsyncLocalStorage } from "node:async_hooks";
import { Console } from "node:console";
import { Writable } from "node:stream";
import type { Handler, ItemContext } from "../queue/index.ts";

type Streams = Record<"stdout" | "stderr", NodeJS.WritableStream>;

/**
 * Puts another `console` in the place of this process's, before a handler is loaded, which may keep a part of it. What
 * is printed for no item goes where it went before.
 * @returns What makes the other `console` print a handler's lines to its item's log.
 */
export function replaceConsole({ stdout, stderr }: Streams = process): (handler: Handler) => Handler {
  const current = new AsyncLocalStorage<ItemContext>();
  const stream = (otherwise: NodeJS.WritableStream) =>
    new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        const item = current.getStore();
        if (item) item.log(text.replace(/\n$/, ""));
        else otherwise.write(text);
        done();
      },
    });
  globalThis.console = new Console({ stdout: stream(stdout), stderr: stream(stderr) });
  return (handler) => (item, context) => current.run(context, handler, item, context);
}
