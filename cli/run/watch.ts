// Follows a run: its rows, its progress, and how it ended.
import { setTimeout as sleep } from "node:timers/promises";
import { Chalk } from "chalk";
import { createLogUpdate } from "log-update";
import { type Counts, isOver, resultRow } from "../../queue/index.ts";
import { SettledRows } from "../follow/settledRows.ts";
import { firstLine, UserError } from "../errors.ts";
import type { OpenQueue } from "../stack/openQueue.ts";
import { FailureGroups } from "../view/failureGroups.ts";
import { oneLine, pluralize } from "../view/format.ts";
import { progressBar, progressLine } from "../view/progressBar.ts";
import { RateEstimator } from "../view/throughput.ts";
import { OutputError, type RowWriter } from "./rowWriter.ts";

const LOOK_MS = 500;
const LINE_INTERVAL_MS = 10_000;
/** A run that cannot be read for so long is left: the cluster may be gone. */
const PATIENCE_MS = 5 * 60_000;

/** State of a run. */
export interface RunState {
  counts?: Counts;
  failures: FailureGroups;
  /** Trouble of the last look: rows may be missing. */
  unread?: string | undefined;
  /** True if the batch is open and its workers have ended: nothing more will come. */
  isDeserted?: boolean;
}

interface Watch {
  rows: RowWriter;
  /** Lines of progress also where there is no terminal. */
  eta: boolean;
  /** Lines of `up` to be told; each leaves the list. Without an `up`, the pods are asked for their problem. */
  warnings?: string[];
  /** Aborts when there is nothing more to come. */
  signal: AbortSignal;
  /** Without an `up`, which ends by itself: how long it may be unreadable, ms. */
  patienceMs?: number;
}

/**
 * Follows a run until it is over and all of it is read. When the signal aborts, it looks once more, and ends. If Redis
 * or the cluster is away, it asks again.
 * @throws OutputError where a row cannot be written; UserError where a run without an `up` cannot be read for long.
 */
export async function watchRun(
  open: () => Promise<OpenQueue>,
  { rows, eta, warnings, signal, patienceMs = PATIENCE_MS }: Watch,
): Promise<RunState> {
  const settled = new SettledRows();
  const state: RunState = { failures: new FailureGroups() };
  const progress = progressOn(process.stderr, eta);
  const told = new Set<string | undefined>([undefined]);
  const warn = (line: string | undefined) => {
    if (told.has(line)) return;
    told.add(line);
    progress.clear();
    console.error(`warning: ${oneLine(line!)}`);
  };
  let queue: OpenQueue | undefined;
  let awaySince: number | undefined;
  let haveWorkersEnded = false;
  try {
    for (;;) {
      const isLast = signal.aborted;
      for (const line of warnings?.splice(0) ?? []) warn(line);
      try {
        queue ??= await open();
        const counts = await queue.admin.counts();
        state.counts = counts;
        for await (const record of settled.look(queue.admin, counts)) {
          if (record.outcome === "dead") state.failures.add(record);
          progress.clear();
          rows.add(resultRow(record));
        }
        const isIdle = counts.state === "open" && counts.running === 0;
        state.isDeserted = isIdle && haveWorkersEnded; // these counts are younger than the end of the workers
        haveWorkersEnded = !warnings && isIdle && ((await queue.workersEnded?.()) ?? false);
        if (!warnings && isIdle && !haveWorkersEnded) warn(await queue.podProblem?.());
        progress.show(counts);
        state.unread = undefined;
        awaySince = undefined;
      } catch (error) {
        if (error instanceof OutputError) throw error;
        state.unread = firstLine(queue?.admin.reasonOf(error) ?? error); // not there yet, or away
        // At first, what `up` makes is not there yet.
        if (!isLast && (!warnings || state.counts)) warn(`cannot read the run: ${state.unread}; trying again`);
        queue?.close();
        queue = undefined;
        awaySince ??= performance.now();
        if (!isLast && !warnings && performance.now() - awaySince > patienceMs)
          throw new UserError(`cannot read the run: ${state.unread}`);
      }
      if (isLast || (state.unread === undefined && ((state.counts && isOver(state.counts)) || state.isDeserted))) break;
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    await rows.end();
    return state;
  } finally {
    queue?.close();
    progress.clear();
  }
}

/** A bar in a terminal; else, where it is wanted, a line now and then. */
function progressOn(stream: NodeJS.WriteStream, eta: boolean) {
  const draw = createLogUpdate(stream);
  const chalk = new Chalk(stream.isTTY ? {} : { level: 0 });
  const estimator = new RateEstimator();
  let lastLineAt = -Infinity;
  return {
    show(counts: Counts): void {
      estimator.sample(counts);
      const line = progressLine(counts, estimator.throughput());
      if (stream.isTTY) draw(`${progressBar(counts, 30, chalk)}  ${line}`);
      else if (eta && performance.now() - lastLineAt > LINE_INTERVAL_MS) {
        lastLineAt = performance.now();
        stream.write(`${line}\n`);
      }
    },
    clear: () => {
      if (stream.isTTY) draw.clear();
    },
  };
}

/** The outcome for people: the counts, and the failures by reason. */
export function summary({ counts, failures, isDeserted }: RunState): string[] {
  if (!counts) return [];
  const { total, done, dead, state, reason } = counts;
  const left = isDeserted ? `; its workers ended with ${pluralize(total - done - dead, "item")} left` : "";
  const end = state === "aborted" ? `; aborted: ${oneLine(reason ?? "no reason given")}` : left;
  const groups = failures.sorted().map(({ reason, count, example }) => {
    return `  ${pluralize(count, "item")}: ${oneLine(reason, 200)} (e.g. number ${example.id})`;
  });
  return [`${done} of ${pluralize(total, "item")} done, ${dead} failed${end}`, ...groups];
}
