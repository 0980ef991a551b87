// `npm run logs -- ITEM`: the log of one item, though many share a pod.
import { InvalidArgumentError } from "commander";
import type { ItemRecord } from "../../queue/types.ts";
import { command, main, type QueueOptions } from "../command.ts";
import { withQueue } from "../stack/openQueue.ts";
import { resultRow } from "../view/resultRow.ts";
import { pluralize, displayName, oneLine } from "../view/format.ts";
import { UserError } from "../errors.ts";

const number = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Expected its number in `results`.");
  return Number(text);
};

/** The item's end, where it was thrown, and what it logged. @returns Whether it kept a log. */
function print(record: ItemRecord, log: string | undefined): boolean {
  const { attempts, outcome, reason } = resultRow(record);
  const why = reason === null ? "" : `: ${oneLine(reason)}`;
  console.log(
    `== ${displayName(record.payload)} (${record.id}): ${outcome} after ${pluralize(attempts, "attempt")}${why}`,
  );
  const stack = outcome === "done" ? undefined : record.reason?.split("\n").slice(1).join("\n");
  if (stack) console.log(stack);
  console.log(log?.trimEnd() ?? "(no log kept: set keepLogs to all for items that are done)");
  return log !== undefined;
}

const program = command({
  name: "logs",
  description:
    "The log of one item: its last 64 KiB, and how its attempts ended. Of failed items by default, of all with the setting keepLogs: all.",
  examples: [
    ["npm run logs -- banana", "by the item's text"],
    ["npm run logs -- --id 17", "by its number in `results`"],
  ],
  exitCodes: { 0: "printed", 1: "the item kept no log" },
})
  .argument("[item]", "the item's text")
  .option("--id <number>", "its number instead", number)
  .action(async (item: string | undefined, options: QueueOptions & { id?: number }) => {
    if ((item === undefined) === (options.id === undefined))
      throw new UserError("say which item: its text, or --id NUMBER");
    await withQueue(options, async ({ admin }) => {
      const wanted = Buffer.from(item ?? "");
      let printed = 0;
      let found = 0;
      for await (const record of admin.results()) {
        if (options.id === undefined ? !record.payload.equals(wanted) : record.id !== options.id) continue;
        found++;
        if (print(record, await admin.log(record.id))) printed++;
        if (options.id !== undefined) break;
      }
      if (found === 0)
        throw new UserError(
          `no such item was given to a worker yet: ${item === undefined ? options.id : oneLine(item)}`,
        );
      if (printed === 0) process.exitCode = 1;
    });
  });
await main(program);
