// `wq report`: the run in one HTML file.
import { jsonLine } from "../../config/foreignText.ts";
import { renameSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { queueCommand, type QueueOptions } from "../command.ts";
import { firstLine, UserError } from "../errors.ts";
import { EXIT_OK } from "../exitCodes.ts";
import { collect } from "../report/collect.ts";
import type { ReportData } from "../report/reportData.ts";
import { withBatch } from "../stack/openQueue.ts";
import { pluralize } from "../view/format.ts";

/** Writes a file whole or not at all. */
function writeWhole(file: string, text: string): void {
  const partial = `${file}.${process.pid}.partial`;
  try {
    writeFileSync(partial, text, { flag: "wx", mode: 0o600 });
    renameSync(partial, file);
  } catch (error) {
    rmSync(partial, { force: true });
    throw new UserError(`cannot write ${file}: ${firstLine(error)}; give another with --output FILE`);
  }
}

async function render(data: ReportData): Promise<string> {
  const { html } = await import("../report/html.ts");
  return html(data);
}

export default queueCommand({
  name: "report",
  description:
    "Writes the run as one HTML file that needs no network: timeline, throughput, durations, failures by reason, and a table of all items.",
  examples: [
    ["report", "writes report.html"],
    ["report -o monday.html", "under another name"],
  ],
  exitCodes: { [EXIT_OK]: "written" },
})
  .option("-o, --output <file>", "file to write", "report.html")
  .option("--json", "one line of JSON that says what was written")
  .action(async ({ output, json, ...options }: QueueOptions & { output: string; json?: boolean }) => {
    await withBatch(options, async ({ admin, title }, counts) => {
      const data = await collect(title, counts, admin.results());
      const file = resolve(output);
      writeWhole(file, await render(data));
      const { items } = data.counts;
      console.log(json ? jsonLine({ file, items }) : `${pluralize(items, "item")}: ${file}`);
    });
  });
