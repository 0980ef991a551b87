import type { ChalkInstance } from "chalk";
import type { Counts, WorkerInfo } from "../../queue/index.ts";
import { displayName, formatDuration, formatNumber, oneLine, pluralize } from "./format.ts";
import { progressBar, stateText, throughputText } from "./progressBar.ts";
import { formatTable } from "./table.ts";
import { settledCount, type Throughput } from "./throughput.ts";

/** The state of a batch at one moment. */
export interface Snapshot {
  counts: Counts;
  workers: WorkerInfo[];
  throughput?: Throughput;
  /** The problem of the workers' pods. */
  podProblem?: string;
  /** Output of `finish`. */
  finish?: string;
  /** Share of the workers' time with nothing in flight, 0 to 1; absent if no supervisor measured it. */
  idleShare?: number;
}

/** The screen of the dashboard. */
export interface Surface {
  columns: number;
  /** Number of lines; workers that do not fit are counted instead. */
  rows: number;
  /** Without a terminal there is no bar, and no limit of lines. */
  terminal: boolean;
  chalk: ChalkInstance;
}

const SLOWEST_SHOWN = 5;

/** The rows for which there is room, and the number of those left out. */
function fit<T>(list: T[], room: number): [shown: T[], left: number] {
  if (list.length <= room) return [list, 0];
  const shown = Math.max(1, room - 1);
  return [list.slice(0, shown), list.length - shown];
}

function byPod(a: WorkerInfo, b: WorkerInfo): number {
  if (a.pod !== b.pod) return a.pod < b.pod ? -1 : 1;
  return a.startedAt - b.startedAt;
}

function workerRow(worker: WorkerInfo, now: number, chalk: ChalkInstance): string[] {
  const oldest = worker.inFlight.toSorted((a, b) => a.since - b.since)[0];
  const heard = `${formatDuration(now - worker.lastSeen)} ago`;
  const more = worker.inFlight.length > 1 ? `+${worker.inFlight.length - 1}` : "";
  return [
    oneLine(worker.pod),
    oneLine(worker.node) || "-",
    formatNumber(worker.done),
    worker.failed ? formatNumber(worker.failed) : "-",
    worker.alive ? heard : chalk.yellow(heard),
    oldest ? formatDuration(now - oldest.since) : "-",
    oldest ? displayName(oldest.payload, 48) : "-",
    more,
  ];
}

/** Title, bar, counts, rate, and what went wrong on the way. */
function headLines(title: string, { counts, throughput, podProblem, idleShare }: Snapshot, surface: Surface): string[] {
  const { chalk, columns, terminal } = surface;
  const { state, total, done, running, waiting, delayed, dead } = counts;
  const colour = state === "aborted" || dead ? chalk.red : state === "finished" ? chalk.green : chalk.cyan;
  const stateRoom = Math.max(20, columns - title.length - 2);
  const share = total ? ` ${Math.floor((settledCount(counts) / total) * 100)} %` : "";
  const progress = `${formatNumber(settledCount(counts))} of ${pluralize(total, "item")}${share}`;
  const barWidth = Math.max(10, Math.min(60, columns - progress.length - 2));
  const states = [
    `done ${formatNumber(done)}`,
    `running ${formatNumber(running)}`,
    `waiting ${formatNumber(waiting)}`,
    `retrying ${formatNumber(delayed)}`,
    dead ? chalk.red(`failed ${formatNumber(dead)}`) : "failed 0",
  ];
  const losses = [];
  if (counts.retried) losses.push(`${pluralize(counts.retried, "attempt")} failed and retried`);
  if (counts.lost) losses.push(`${pluralize(counts.lost, "attempt")} lost with their worker`);
  if (counts.external) losses.push(`${pluralize(counts.external, "item")} taken by another program, or lost by Redis`);
  const lines = [
    `${chalk.bold(title)}  ${colour(oneLine(stateText(counts), stateRoom))}`,
    terminal ? `${progressBar(counts, barWidth, chalk)}  ${progress}` : progress,
    states.join("   "),
    throughputText(counts, throughput),
    idleShare === undefined ? "" : `workers idle ${Math.round(idleShare * 100)} % of their time`,
    losses.length > 0 ? chalk.yellow(losses.join(", ")) : "",
    podProblem ? chalk.yellow(podProblem) : "",
  ];
  return lines.filter((line) => line !== "");
}

function workerLines(workers: WorkerInfo[], now: number, room: number, { chalk, columns }: Surface): string[] {
  const head = ["WORKER", "NODE", "DONE", "FAILED", "HEARD", "SINCE", "IN FLIGHT", ""].map((name) => chalk.dim(name));
  const [shown, left] = fit(workers.toSorted(byPod), room);
  const lines = formatTable([head, ...shown.map((worker) => workerRow(worker, now, chalk))], columns);
  return left > 0 ? [...lines, chalk.dim(`and ${pluralize(left, "more worker")}`)] : lines;
}

function slowestLines(workers: WorkerInfo[], now: number, { chalk, columns }: Surface): string[] {
  const head = ["SLOWEST", "WORKER", "ITEM"].map((name) => chalk.dim(name));
  const inFlight = workers.flatMap(({ pod, inFlight }) => inFlight.map((item) => ({ ...item, pod })));
  const slowest = inFlight.sort((a, b) => a.since - b.since).slice(0, SLOWEST_SHOWN);
  const rows = slowest.map(({ since, pod, payload }) => {
    return [formatDuration(now - since), oneLine(pod), displayName(payload)];
  });
  return formatTable([head, ...rows], columns);
}

/** The screen of `wq status`, as text of several lines. */
export function dashboard(title: string, snapshot: Snapshot, surface: Surface): string {
  const { counts, workers } = snapshot;
  const lines = headLines(title, snapshot, surface);
  if (workers.length > 0) {
    const room = surface.terminal ? Math.max(3, surface.rows - lines.length - SLOWEST_SHOWN - 6) : Infinity;
    lines.push("", ...workerLines(workers, counts.now, room, surface));
  }
  // With one item per worker, the table above shows them already.
  if (workers.some(({ inFlight }) => inFlight.length > 1)) {
    lines.push("", ...slowestLines(workers, counts.now, surface));
  }
  return lines.join("\n");
}
