// `npm run results`: every item that was given, in that order.
import { pipeline } from "node:stream/promises";
import { Option } from "commander";
import { stringify } from "csv-stringify";
import { command, main, type QueueOptions } from "../command.ts";
import { withBatch } from "../stack/openQueue.ts";
import { COLUMNS, isSettled, type ResultRow, resultRow } from "../view/resultRow.ts";

const program = command({
  name: "results",
  description:
    "Every item in the order first given, failed ones included: item, outcome, result, attempts, pod, start, end, duration in ms, reason.",
  examples: [
    ["npm run -s results > results.ndjson", "a line of JSON an item"],
    ["npm run -s results -- --format csv > results.csv", "for a spreadsheet"],
    ["npm run -s results -- --all", "also items that are not settled yet"],
  ],
  exitCodes: { 0: "printed" },
})
  .addOption(new Option("-f, --format <format>", "how").choices(["ndjson", "csv"]).default("ndjson"))
  .option("--csv", "the same as --format csv")
  .option("-a, --all", "also what is running or waits for another attempt")
  .action(async (options: QueueOptions & { format: string; csv?: boolean; all?: boolean }) => {
    await withBatch(options, async ({ admin }) => {
      async function* rows(): AsyncIterable<ResultRow> {
        for await (const record of admin.results()) if (options.all || isSettled(record)) yield resultRow(record);
      }
      if (options.csv || options.format === "csv") {
        const cells = async function* () {
          for await (const row of rows()) {
            yield {
              ...row,
              result:
                row.result === null ? "" : typeof row.result === "string" ? row.result : JSON.stringify(row.result),
            };
          }
        };
        await pipeline(cells(), stringify({ header: true, columns: [...COLUMNS] }), process.stdout, { end: false });
        return;
      }
      await pipeline(
        async function* () {
          let chunk = "";
          for await (const row of rows()) {
            chunk += `${JSON.stringify(row)}\n`;
            if (chunk.length < 65_536) continue;
            yield chunk;
            chunk = "";
          }
          yield chunk;
        },
        process.stdout,
        { end: false },
      );
    });
  });
await main(program);
