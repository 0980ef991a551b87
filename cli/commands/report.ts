// `npm run report`: the run in one HTML file.
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { command, main, type QueueOptions } from "../command.ts";
import { withBatch } from "../stack/openQueue.ts";
import { collect } from "../report/collect.ts";
import { html } from "../report/html.ts";
import { pluralize } from "../view/format.ts";
import { firstLine, UserError } from "../errors.ts";

/** Whole or not at all. */
function write(file: string, text: string): void {
  const half = `${file}.${process.pid}.half`;
  try {
    writeFileSync(half, text);
    renameSync(half, file);
  } catch (error) {
    rmSync(half, { force: true });
    throw new UserError(`cannot write ${file}: ${firstLine(error)}; give another with --output FILE`);
  }
}

const program = command({
  name: "report",
  description:
    "The run in one HTML file that needs no network: timeline, throughput, durations, failures by reason, and the items to search and sort.",
  examples: [
    ["npm run report", "writes report.html"],
    ["npm run report -- -o monday.html", "under another name"],
  ],
  exitCodes: { 0: "written" },
})
  .option("-o, --output <file>", "where to", "report.html")
  .action(async ({ output, ...where }: QueueOptions & { output: string }) => {
    await withBatch(where, async ({ admin, title }, counts) => {
      const data = await collect(title, counts, admin.results());
      const file = resolve(output);
      write(file, html(data));
      console.log(`${pluralize(data.counts.items, "item")}: ${file}`);
    });
  });
await main(program);
