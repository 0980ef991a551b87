// The outcome as a person reads it: on the screen, and in a page between two markers.
import { UserError } from "../../local/errors.ts";
import { formatTable } from "../../cli/view/table.ts";
import { rows, UNDISTURBED } from "./rows.ts";
import type { RowOutcome } from "./runRow.ts";

const HEAD = [
  "fault",
  "items",
  "faults",
  "done",
  "lost",
  "recorded twice",
  "run twice",
  "lost item picked up after",
  "slowest first result after a fault",
  "time",
];
const MARKERS = { begin: "<!-- proof:begin -->", end: "<!-- proof:end -->" };

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const count = (value: number) => value.toLocaleString("en-US");

function cells(outcome: RowOutcome, undisturbed: RowOutcome | undefined): string[] {
  const { name, items, faults, done, lost, duplicated, again, takenOver, firstEnd, ms } = outcome;
  const ratio = undisturbed && name !== UNDISTURBED ? ` (${(ms / undisturbed.ms).toFixed(1)}×)` : "";
  return [
    rows[name]!.title,
    ...[items, faults, done, lost, duplicated, again].map(count),
    takenOver ? `${seconds(takenOver.median)}, at most ${seconds(takenOver.longest)}` : "",
    firstEnd === undefined ? "" : seconds(firstEnd),
    `${(ms / 1000).toFixed(0)} s${ratio}`,
  ];
}

/** Head and rows, in the order of the list of rows. */
function grid(outcomes: RowOutcome[]): string[][] {
  const undisturbed = outcomes.find(({ name }) => name === UNDISTURBED);
  const names = Object.keys(rows);
  const sorted = outcomes.toSorted((a, b) => names.indexOf(a.name) - names.indexOf(b.name));
  return [HEAD, ...sorted.map((outcome) => cells(outcome, undisturbed))];
}

/** Lines for a terminal. */
export const screenTable = (outcomes: RowOutcome[]): string[] => formatTable(grid(outcomes));

/** A table of Markdown under a sentence that says what it shows, and when that was. */
export function markdownTable(outcomes: RowOutcome[]): string {
  const [head, ...body] = grid(outcomes);
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  const day = outcomes
    .map(({ date }) => date.slice(0, 10))
    .sort()
    .at(-1);
  const what = `Batches on two nodes under real faults; the runs of each item are counted outside Redis (\`npm run proof\`, [how](bench/README.md#the-proof), ${day}):`;
  return [what, "", line(head!), line(head!.map(() => "---")), ...body.map(line)].join("\n");
}

/** A page with the table between its markers. @throws UserError if it has none. */
export function withTable(page: string, table: string): string {
  const begin = page.indexOf(MARKERS.begin);
  const end = page.indexOf(MARKERS.end);
  if (begin < 0 || end < begin)
    throw new UserError(`the page has no place for the table: write ${MARKERS.begin} and ${MARKERS.end} into it`);
  return `${page.slice(0, begin + MARKERS.begin.length)}\n\n${table}\n\n${page.slice(end)}`;
}
