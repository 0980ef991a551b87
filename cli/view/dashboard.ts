import type { ChalkInstance } from "chalk";
import Table from "cli-table3";
import stringWidth from "string-width";
import type { Counts, WorkerInfo } from "../../queue/types.ts";
import { progressBar, throughputText, settledCount, stateText } from "./progressBar.ts";
import type { Throughput } from "./throughput.ts";
import { pluralize, displayName, formatNumber, oneLine, formatDuration } from "./format.ts";

/** What one look at a batch showed. */
export interface Snapshot {
  counts: Counts;
  workers: WorkerInfo[];
  throughput?: Throughput;
}

/** What the screen is drawn on. */
export interface Surface {
  columns: number;
  /** How many lines there are; what does not fit is counted instead. */
  rows: number;
  /** Without a terminal there is no bar. */
  terminal: boolean;
  chalk: ChalkInstance;
}

/** Workers not heard for so long are marked; they say something at least each third of a lease. */
const SILENT_MS = 15_000;
const SLOWEST_SHOWN = 5;
const NONE = {
  top: "",
  "top-mid": "",
  "top-left": "",
  "top-right": "",
  bottom: "",
  "bottom-mid": "",
  "bottom-left": "",
};
const BORDERLESS = { ...NONE, "bottom-right": "", left: "", "left-mid": "", mid: "", "mid-mid": "", right: "" };

/** A column is not made narrower than this to fit the terminal. */
const MIN_COLUMN_WIDTH = 6;

/** Lines of a table without a frame; where it is wider than the terminal, its widest columns are cut. */
function table(head: string[], rows: string[][], { columns, chalk }: Surface): string[] {
  const widths = head.map(
    (name, i) => Math.max(...[name, ...rows.map((row) => row[i]!)].map((cell) => stringWidth(cell))) + 2,
  );
  for (let over = widths.reduce((sum, width) => sum + width, -2) - columns; over > 0; over--) {
    const widest = Math.max(...widths);
    if (widest > MIN_COLUMN_WIDTH) widths[widths.lastIndexOf(widest)] = widest - 1;
  }
  const made = new Table({
    chars: { ...BORDERLESS, "right-mid": "", middle: "" },
    style: { "padding-left": 0, "padding-right": 2, head: [], border: [], compact: true },
    colWidths: widths,
  });
  made.push(head.map((name) => chalk.dim(name)));
  made.push(...rows);
  return made
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}

/** So many of the rows as there is room for, and how many were left out. */
function cut<T>(list: T[], room: number): [shown: T[], left: number] {
  return list.length <= room ? [list, 0] : [list.slice(0, Math.max(1, room - 1)), list.length - Math.max(1, room - 1)];
}

function workerRow(worker: WorkerInfo, now: number, chalk: ChalkInstance): string[] {
  const oldest = worker.inFlight.toSorted((a, b) => a.since - b.since)[0];
  const silent = now - worker.lastSeen;
  const more = worker.inFlight.length > 1 ? ` +${worker.inFlight.length - 1}` : "";
  return [
    oneLine(worker.pod),
    oneLine(worker.node) || "-",
    formatNumber(worker.done),
    worker.failed ? formatNumber(worker.failed) : "-",
    silent > SILENT_MS ? chalk.yellow(`${formatDuration(silent)} ago`) : `${formatDuration(silent)} ago`,
    oldest ? formatDuration(now - oldest.since) : "-",
    oldest ? `${displayName(oldest.payload, 48 - more.length)}${more}` : "-",
  ];
}

/** The screen of `npm run status`, as text of several lines. */
export function dashboard(title: string, { counts, workers, throughput: pace }: Snapshot, surface: Surface): string {
  const { chalk, columns, rows, terminal } = surface;
  const { state, total, done, running, waiting, delayed, dead, now } = counts;
  const colour = state === "aborted" || dead ? chalk.red : state === "finished" ? chalk.green : chalk.cyan;
  const lines = [
    `${chalk.bold(title)}  ${colour(oneLine(stateText(counts), Math.max(20, columns - title.length - 2)))}`,
  ];
  const share = total ? ` ${Math.floor((settledCount(counts) / total) * 100)} %` : "";
  const progress = `${formatNumber(settledCount(counts))} of ${pluralize(total, "item")}${share}`;
  lines.push(
    terminal
      ? `${progressBar(counts, Math.max(10, Math.min(60, columns - progress.length - 2)), chalk)}  ${progress}`
      : progress,
  );
  const states = [`done ${formatNumber(done)}`, `running ${formatNumber(running)}`, `waiting ${formatNumber(waiting)}`];
  states.push(`retrying ${formatNumber(delayed)}`, dead ? chalk.red(`failed ${formatNumber(dead)}`) : "failed 0");
  lines.push(states.join("   "));
  const speed = throughputText(counts, pace);
  if (speed) lines.push(speed);
  const losses = [];
  if (counts.retried) losses.push(`${pluralize(counts.retried, "attempt")} failed and retried`);
  if (counts.lost) losses.push(`${pluralize(counts.lost, "attempt")} lost with their worker`);
  if (counts.external) losses.push(`${pluralize(counts.external, "item")} taken by another hand than ours`);
  if (losses.length) lines.push(chalk.yellow(losses.join(", ")));

  if (workers.length) {
    const room = terminal ? Math.max(3, rows - lines.length - SLOWEST_SHOWN - 6) : Infinity;
    const [shown, left] = cut(
      workers.toSorted((a, b) => (a.pod < b.pod ? -1 : a.pod > b.pod ? 1 : a.startedAt - b.startedAt)),
      room,
    );
    const head = ["WORKER", "NODE", "DONE", "FAILED", "HEARD", "SINCE", "IN HAND"];
    lines.push(
      "",
      ...table(
        head,
        shown.map((worker) => workerRow(worker, now, chalk)),
        surface,
      ),
    );
    if (left) lines.push(chalk.dim(`and ${pluralize(left, "more worker")}`));
  }

  const hands = workers.flatMap(({ pod, inFlight }) => inFlight.map((item) => ({ ...item, pod })));
  // With one item a worker the table above shows them already.
  if (hands.length > workers.filter(({ inFlight }) => inFlight.length).length) {
    const slowest = hands.sort((a, b) => a.since - b.since).slice(0, SLOWEST_SHOWN);
    const rows = slowest.map(({ since, pod, payload }) => [
      formatDuration(now - since),
      oneLine(pod),
      displayName(payload),
    ]);
    lines.push("", ...table(["SLOWEST", "WORKER", "ITEM"], rows, surface));
  }
  return lines.join("\n");
}
