// `console` of a handler: what it prints is in the log of its item, though many items share the process.
import { Console } from "node:console";
import { Writable } from "node:stream";
import { runningItem } from "../queue/index.ts";

type Streams = Record<"stdout" | "stderr", NodeJS.WritableStream>;

/**
 * Puts another `console` in the place of this process's, before a handler is loaded, which may keep a part of it. What
 * is printed for no item goes where it went before.
 */
export function replaceConsole({ stdout, stderr }: Streams = process): void {
  globalThis.console = new Console({ stdout: toItem(stdout), stderr: toItem(stderr) });
}

function toItem(otherwise: NodeJS.WritableStream): Writable {
  return new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      const item = runningItem();
      if (item) item.log(text.replace(/\n$/, ""));
      else otherwise.write(text);
      done();
    },
  });
}
