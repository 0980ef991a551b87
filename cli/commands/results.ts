// `wq results`: every item that was given, in that order.
import { jsonLine, oneLine } from "../../config/foreignText.ts";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { Option } from "commander";
import { queueCommand, type QueueOptions } from "../command.ts";
import { EXIT_OK } from "../exitCodes.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../errors.ts";
import { earlierRows } from "../follow/earlierRows.ts";
import { LastingQueue, sayAway } from "../follow/lastingQueue.ts";
import { SettledRows } from "../follow/settledRows.ts";
import { withBatch } from "../stack/openQueue.ts";
import { COLUMNS, isOver, isSettled, type ItemRecord, resultRow, type ResultRow } from "../../queue/index.ts";

/** Between two looks of --follow. */
const LOOK_MS = 1_000;
/** Characters that are written at once. */
const CHUNK = 65_536;

type Rows = AsyncIterable<ResultRow>;

/** Writes one line of JSON per row. */
async function* ndjson(rows: Rows): AsyncIterable<string> {
  let chunk = "";
  for await (const row of rows) {
    chunk += `${jsonLine(row)}\n`;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = "";
  }
  yield chunk;
}

/**
 * Beginnings of formulas within a text. Where commas are decimal points, a spreadsheet takes cells apart at semicolons,
 * and lines at every line end.
 */
const WITHIN = /([;\t\r\n]["\s]*)(?=[=+\-@])/g;

/** A cell of a spreadsheet: a text, a number, else JSON. A terminal gets no control characters. */
async function* cells(rows: Rows): AsyncIterable<Record<string, unknown>> {
  const plain = (text: string) => text.replaceAll(WITHIN, "$1'");
  const shown = (cell: unknown) =>
    typeof cell !== "string" ? cell : process.stdout.isTTY ? oneLine(plain(cell)) : plain(cell);
  for await (const row of rows) {
    const { result } = row;
    const isPlain = typeof result === "string" || typeof result === "number";
    const all = { ...row, result: result === null ? "" : isPlain ? result : JSON.stringify(result) };
    yield Object.fromEntries(Object.entries(all).map(([column, cell]) => [column, shown(cell)]));
  }
}

/**
 * Writes CSV. What a spreadsheet would run as a formula (`=HYPERLINK(…)`) gets an apostrophe in front; a negative
 * number does not.
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

/** Writes rows. After a failure, it still writes the rows before, since they are not found again. */
async function writeRows(records: AsyncIterable<ItemRecord>): Promise<void> {
  let chunk = "";
  const flush = async () => {
    const [text, isTaken] = [chunk, process.stdout.write(chunk)];
    chunk = "";
    if (text !== "" && !isTaken) await once(process.stdout, "drain");
  };
  try {
    for await (const record of records) {
      chunk += `${jsonLine(resultRow(record))}\n`;
      if (chunk.length > CHUNK) await flush();
    }
  } finally {
    await flush();
  }
}

/** Writes each row once its item is settled, until the batch is over. @param file Its rows are left out. */
async function followRows(options: QueueOptions, file: string | undefined): Promise<void> {
  const settled = new SettledRows(file === undefined ? undefined : await earlierRows(file));
  const queue = await LastingQueue.open(options, sayAway);
  try {
    for (;;) {
      const counts = await queue.counts();
      await queue.ask(({ admin }) => writeRows(settled.look(admin, counts)));
      if (isOver(counts)) return;
      await sleep(LOOK_MS);
    }
  } finally {
    queue.close();
  }
}

interface ResultsOptions extends QueueOptions {
  format: string;
  csv?: boolean;
  json?: boolean;
  all?: boolean;
  follow?: boolean;
  after?: string;
}

export default queueCommand({
  name: "results",
  description:
    "Prints every item that is done or failed, in the order of their numbers: item, outcome, result, attempts, pod, start, end, duration in ms, reason.",
  examples: [
    ["results > results.ndjson", "one line of JSON per item"],
    ["results --csv > results.csv", "for a spreadsheet"],
    ["results --all", "also items that are not over yet"],
    ["results --follow > rows.ndjson", "each row once its item is done or failed, until the batch is over"],
    ["results --follow --after rows.ndjson >> rows.ndjson", "goes on after an interruption"],
  ],
  exitCodes: { [EXIT_OK]: "printed" },
})
  .addOption(new Option("-f, --format <format>", "format of the rows").choices(["ndjson", "csv"]).default("ndjson"))
  .option("--csv", "the same as --format csv")
  .option("--json", "the same as --format ndjson")
  .option("-a, --all", "also items that run or wait for another attempt")
  .option("--follow", "each row as soon as its item is done or failed, until the batch is over")
  .option("--after <file>", "with --follow: leave out the rows that are in this file")
  .action(async (options: ResultsOptions) => {
    const isCsv = !options.json && (options.csv || options.format === "csv");
    if (options.after !== undefined && !options.follow) throw new UserError("--after needs --follow");
    if (options.follow && (isCsv || options.all))
      throw new UserError("--follow prints NDJSON of items that are over: leave out --csv, --format csv and --all");
    if (options.follow) return followRows(options, options.after);
    await withBatch(options, async ({ admin }) => {
      async function* rows(): Rows {
        for await (const record of admin.results()) if (options.all || isSettled(record)) yield resultRow(record);
      }
      if (isCsv) await writeCsv(rows());
      else await pipeline(ndjson(rows()), process.stdout, { end: false });
    });
  });
