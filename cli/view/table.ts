import Table from "cli-table3";
import stringWidth from "string-width";

const BORDERS = ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left", "bottom-right"];
const LINES = ["left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"];
const NO_FRAME = Object.fromEntries([...BORDERS, ...LINES].map((name) => [name, ""]));

/** A column is not made narrower than this to fit the terminal. */
const MIN_COLUMN_WIDTH = 6;

/** Lines of a table without a frame; if it is wider than `columns`, its widest columns are cut. */
export function formatTable(rows: string[][], columns = Infinity): string[] {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => stringWidth(row[i]!))) + 2);
  for (let over = widths.reduce((sum, width) => sum + width, -2) - columns; over > 0; over--) {
    const widest = Math.max(...widths);
    if (widest > MIN_COLUMN_WIDTH) widths[widths.lastIndexOf(widest)] = widest - 1;
  }
  const table = new Table({
    chars: NO_FRAME,
    style: { "padding-left": 0, "padding-right": 2, head: [], border: [], compact: true },
    colWidths: widths,
  });
  table.push(...rows);
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}
