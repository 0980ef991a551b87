// `npm run logs -- ITEM`: the log of one item, though many share a pod.
import { command, main, type Where } from "./command.ts";
import { withQueue } from "./queue.ts";
import { rowOf } from "./rows.ts";
import { label } from "./text.ts";
import { Trouble } from "./trouble.ts";

const program = command({
  name: "logs",
  description:
    "The log of one item: its last 64 KiB, and how its attempts ended. Of failed items by default, of all with the setting keepLogs: all.",
  examples: [
    ["npm run logs -- banana", "by the item's text"],
    ["npm run logs -- --id 17", "by its number in `results`"],
  ],
  exits: { 0: "printed", 1: "the item kept no log" },
})
  .argument("[item]", "the item's text")
  .option("--id <number>", "its number instead", Number)
  .action(async (item: string | undefined, options: Where & { id?: number }) => {
    if ((item === undefined) === (options.id === undefined))
      throw new Trouble("say which item: its text, or --id NUMBER");
    await withQueue(options, async ({ admin }) => {
      const ids = new Set(options.id === undefined ? await admin.find(item!) : [options.id]);
      let printed = 0;
      let found = 0;
      for await (const record of admin.results()) {
        if (!ids.has(record.id)) continue;
        found++;
        const log = await admin.log(record.id);
        const { attempts, outcome, reason } = rowOf(record);
        console.log(
          `== ${label(record.payload)} (${record.id}): ${outcome} after ${attempts} attempt${attempts === 1 ? "" : "s"}${reason ? `: ${reason}` : ""}`,
        );
        if (log !== undefined) {
          printed++;
          process.stdout.write(log.endsWith("\n") ? log : `${log}\n`);
        } else console.log("(no log kept: set keepLogs to all for items that are done)");
      }
      if (found === 0) throw new Trouble(`no such item was given to a worker yet: ${item ?? options.id}`);
      if (printed === 0) process.exitCode = 1;
    });
  });
await main(program);
