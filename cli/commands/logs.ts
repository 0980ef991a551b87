// `wq logs ITEM`: the log of one item, though many share a pod. `-f`: as it is written.
import { InvalidArgumentError } from "commander";
import { itemBytes, type ItemRecord, type LogLine } from "../../queue/index.ts";
import { jsonLine, severalLines } from "../../config/foreignText.ts";
import { queueCommand, type QueueOptions } from "../command.ts";
import { UserError } from "../errors.ts";
import { EXIT_FAILED, EXIT_OK } from "../exitCodes.ts";
import { followLogs, type Wanted } from "../follow/itemLogs.ts";
import { LastingQueue, sayAway } from "../follow/lastingQueue.ts";
import { withQueue } from "../stack/openQueue.ts";
import { displayName, oneLine, pluralize } from "../view/format.ts";
import { resultRow } from "../../queue/index.ts";

interface LogsOptions extends QueueOptions {
  id?: number;
  follow?: boolean;
  json?: boolean;
}

const noSuchItem = (item: string | undefined, id: number | undefined) =>
  new UserError(`no such item was given to a worker yet: ${item === undefined ? id : oneLine(item)}`);

function parseId(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError("Expected the item's number in `results`.");
  return Number(text);
}

const NOT_KEPT = "(no log was kept: with keepLogs: all, done items keep theirs)";

/** Prints outcome, stack and log as text: no control characters of an item reach the terminal. */
function print(record: ItemRecord, log: string | undefined): void {
  const { attempts, outcome, reason } = resultRow(record);
  const why = reason === null ? "" : `: ${oneLine(reason)}`;
  const name = displayName(record.payload);
  console.log(`== ${name} (${record.id}): ${outcome} after ${pluralize(attempts, "attempt")}${why}`);
  const stack = outcome === "done" ? undefined : record.reason?.split("\n").slice(1).join("\n");
  if (stack) console.log(severalLines(stack));
  const none = outcome === "done" ? NOT_KEPT : "(it logged nothing)";
  if (log !== "") console.log(severalLines(log?.trimEnd() ?? none));
}

function toJson(record: ItemRecord, log: string | undefined): string {
  const { id, item, outcome } = resultRow(record);
  return jsonLine({
    id,
    item,
    outcome,
    reason: record.reason ?? null,
    attempts: record.attempts,
    log: log ?? null,
  });
}

function printLine({ at, id, item, pod, line }: LogLine, isOne: boolean, json: boolean): void {
  if (json) console.log(jsonLine({ time: new Date(at).toISOString(), id, item, pod, line }));
  else
    for (const part of severalLines(line).split("\n"))
      console.log(isOne ? part : `${oneLine(item || '""', 60)} | ${part}`);
}

/** Prints lines as they come until the item, or the batch, is over. @returns The number of items that was found. */
async function follow(options: QueueOptions, wanted: Wanted, json: boolean): Promise<number> {
  const isOne = wanted.id !== undefined || wanted.payload !== undefined;
  const queue = await LastingQueue.open(options, sayAway);
  const heard = new Set<number>();
  try {
    return await followLogs(queue, wanted, {
      onLine: (line) => {
        heard.add(line.id);
        printLine(line, isOne, json);
      },
      onEnd: async (record) => {
        // An item that was over before prints its kept log.
        const log = heard.has(record.id) ? "" : await queue.ask(({ admin }) => admin.log(record.id));
        if (json) console.log(jsonLine(resultRow(record)));
        else print(record, log);
      },
    });
  } finally {
    queue.close();
  }
}

export default queueCommand({
  name: "logs",
  description:
    "Prints the log of one item, its last 64 KiB, and how the item ended. Logs of failed items are kept; with the setting keepLogs: all, those of all items.",
  examples: [
    ["logs banana", "by the item's text"],
    ["logs --id 17", "by its number in `results`"],
    ["logs -f banana", "line by line, until the item is done or failed"],
    ["logs -f", "the lines of all items, each with its item"],
    ["logs banana --json | jq -r .log", "for programs; with every attempt"],
  ],
  exitCodes: { [EXIT_OK]: "printed", [EXIT_FAILED]: "no log of the item was kept" },
})
  .argument("[item]", "the item's text")
  .option("--id <number>", "its number instead", parseId)
  .option("-f, --follow", "print lines as they are written, across attempts and pods")
  .option("--json", "one line of JSON per item of this text; with --follow, per line of the log")
  .action(async (item: string | undefined, options: LogsOptions) => {
    const { id, json = false } = options;
    if (options.follow) {
      if (item !== undefined && id !== undefined) throw new UserError("say which item: its text, or --id NUMBER");
      const wanted = { id, payload: item === undefined ? undefined : itemBytes(item) };
      const found = await follow(options, wanted, json);
      if (found === 0 && (item ?? id) !== undefined) throw noSuchItem(item, id);
      return;
    }
    if ((item === undefined) === (id === undefined)) throw new UserError("say which item: its text, or --id NUMBER");
    await withQueue(options, async ({ admin }) => {
      const wanted = itemBytes(item ?? "");
      let found = 0;
      let logs = 0;
      for await (const record of admin.results()) {
        if (id === undefined ? !record.payload.equals(wanted) : record.id !== id) continue;
        const log = await admin.log(record.id);
        found++;
        if (log !== undefined) logs++;
        if (json) console.log(toJson(record, log));
        else print(record, log);
        if (id !== undefined) break;
      }
      if (found === 0) throw noSuchItem(item, id);
      process.exitCode = logs > 0 ? EXIT_OK : EXIT_FAILED;
    });
  });
