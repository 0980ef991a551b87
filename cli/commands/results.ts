// `wq results`: every item that was given, in that order.
import { pipeline } from "node:stream/promises";
import { Option } from "commander";
import { queueCommand, type QueueOptions } from "../command.ts";
import { EXIT_OK } from "../exitCodes.ts";
import { withBatch } from "../stack/openQueue.ts";
import { COLUMNS, isSettled, resultRow, type ResultRow } from "../../queue/index.ts";

/** Characters that are written at once. */
const CHUNK = 65_536;

type Rows = AsyncIterable<ResultRow>;

/** A line of JSON each. */
async function* ndjson(rows: Rows): AsyncIterable<string> {
  let chunk = "";
  for await (const row of rows) {
    chunk += `${JSON.stringify(row)}\n`;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = "";
  }
  yield chunk;
}

/** Cells of a spreadsheet: what is not a text or a number is JSON. */
async function* cells(rows: Rows): AsyncIterable<Record<string, unknown>> {
  for await (const row of rows) {
    const { result } = row;
    const isPlain = typeof result === "string" || typeof result === "number";
    yield { ...row, result: result === null ? "" : isPlain ? result : JSON.stringify(result) };
  }
}

/**
 * Writes CSV. A text that a spreadsheet would run as a formula (`=HYPERLINK(…)`) gets an apostrophe in front; a
 * negative number does not.
 */
async function writeCsv(rows: Rows): Promise<void> {
  const { stringify } = await import("csv-stringify");
  const format = stringify({
    header: true,
    columns: [...COLUMNS],
    escape_formulas: true,
    cast: { number: (value) => ({ value: String(value), escape_formulas: false }) },
  });
  await pipeline(cells(rows), format, process.stdout, { end: false });
}

export default queueCommand({
  name: "results",
  description:
    "Prints every item in the order first given, failed ones included: item, outcome, result, attempts, pod, start, end, duration in ms, reason.",
  examples: [
    ["results > results.ndjson", "a line of JSON an item"],
    ["results --csv > results.csv", "for a spreadsheet"],
    ["results --all", "also items that are not settled yet"],
  ],
  exitCodes: { [EXIT_OK]: "printed" },
})
  .addOption(new Option("-f, --format <format>", "how").choices(["ndjson", "csv"]).default("ndjson"))
  .option("--csv", "the same as --format csv")
  .option("--json", "the same as --format ndjson")
  .option("-a, --all", "also what is running or waits for another attempt")
  .action(async (options: QueueOptions & { format: string; csv?: boolean; json?: boolean; all?: boolean }) => {
    await withBatch(options, async ({ admin }) => {
      async function* rows(): Rows {
        for await (const record of admin.results()) if (options.all || isSettled(record)) yield resultRow(record);
      }
      const isCsv = !options.json && (options.csv || options.format === "csv");
      if (isCsv) await writeCsv(rows());
      else await pipeline(ndjson(rows()), process.stdout, { end: false });
    });
  });
