import { itemsHere } from "./attempts.ts";

/** Printed lines go to the log of the item that prints them; lines that belong to no item go where they went before. */
export function keepPrintedLines(): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
      const own = itemsHere();
      if (own.length === 0) return write(chunk, ...rest);
      for (const item of own) item.print(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString());
      const done = rest.at(-1);
      if (typeof done === "function") process.nextTick(done);
      return true;
    };
  }
}
