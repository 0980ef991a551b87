// The runner of a handler in JavaScript or TypeScript: a process of its own, in which items run side by side.
// Everything that an item does, also in callbacks and after its end, is attributed to the item.
import { Socket } from "node:net";
import { exitCodes } from "../../exitCodes.ts";
import { ORDERS } from "../orders.ts";
import { flush, say } from "./answers.ts";
import { items } from "./attempts.ts";
import { runBatch, runOne } from "./callHandler.ts";
import { loadFunctions } from "./loadHandler.ts";
import { WholeLines } from "../wholeLines.ts";
import { keepPrintedLines } from "./printedLines.ts";
import { RunningItem } from "./runningItem.ts";
import { catchStrayErrors, exit } from "./strayErrors.ts";

/** A line of the worker: an item, several at once, or the one that is to stop. */
type Order = Work | { items: Work[] } | { cancel: number };
interface Work {
  id: number;
  attempt: number;
  item?: string;
  base64?: string;
}

const [file, name, kind] = process.argv.slice(2) as [string, string, "one" | "batch"];
keepPrintedLines();
catchStrayErrors();
process.on("exit", flush);

const { one, batch } = await loadFunctions(file, name, kind).catch((error: Error): never => {
  say({ ready: false, error: error.message });
  return exit(exitCodes.load);
});

function obey(order: Order): void {
  if ("cancel" in order) {
    const item = items.get(order.cancel);
    if (!item) return;
    say({ id: item.id, cancelling: true });
    return item.stop(
      new Error("The item is to be stopped: its time limit is over, its lease was lost, or the pod ends"),
    );
  }
  const works = "items" in order ? order.items : [order];
  const all = works.map(({ id, attempt, item, base64 }) => new RunningItem(id, attempt, item, base64));
  for (const item of all) items.set(item.id, item);
  if ("items" in order) void runBatch(batch!, all);
  else runOne(one!, all[0]!);
}

const orders = new WholeLines();
const input = new Socket({ fd: ORDERS, readable: true });
input.on("data", (chunk: Buffer) => {
  for (const line of orders.add(chunk)) obey(JSON.parse(line) as Order);
});
// The worker is gone, or wants it to end.
input.on("end", () => exit(0));
process.on("SIGTERM", () => exit(exitCodes.terminated));
say({ ready: true });
