// Follows a run: its rows, its progress, and how it ended.
import { setTimeout as sleep } from "node:timers/promises";
import { type Counts, isOver, resultRow } from "../../queue/index.ts";
import { SettledRows } from "../follow/settledRows.ts";
import { firstLine, UserError } from "../errors.ts";
import type { OpenQueue } from "../stack/openQueue.ts";
import { FailureGroups } from "../view/failureGroups.ts";
import { displayName, oneLine, pluralize } from "../view/format.ts";
import { LiveProgress } from "../view/liveProgress.ts";
import { withOptions } from "./optionNames.ts";
import { OutputError, type RowWriter } from "./rowWriter.ts";

const LOOK_MS = 500;
/** A run that cannot be read for this long is left, ms, since the cluster may be gone. */
const PATIENCE_MS = 5 * 60_000;

/** State of a run. */
export interface RunState {
  counts?: Counts;
  failures: FailureGroups;
  /** Reason why the last look failed. Rows may be missing then. */
  unread?: string | undefined;
  /** True if the batch is open and its workers have ended: nothing more will come. */
  isDeserted?: boolean;
}

interface Watch {
  rows: RowWriter;
  /** Lines of progress even if there is no terminal. */
  eta: boolean;
  /** Lines of `up` to print; each leaves the list. Without an `up`, the problem of the pods is printed. */
  warnings?: string[];
  /** Aborts when nothing more will come. */
  signal: AbortSignal;
  /** Without an `up`, which ends by itself: how long it may be unreadable, ms. */
  patienceMs?: number;
}

/**
 * Follows a run until it is over and all of it is read. When the signal aborts, it looks once more, and ends. If Redis
 * or the cluster is away, it asks again.
 * @throws OutputError if a row cannot be written; UserError if a run without an `up` cannot be read for long.
 */
export async function watchRun(open: () => Promise<OpenQueue>, watch: Watch): Promise<RunState> {
  const { signal, rows } = watch;
  const follower = new RunFollower(open, watch);
  try {
    for (;;) {
      const isLast = signal.aborted;
      if ((await follower.look(isLast)) || isLast) break;
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
    await rows.end();
    return follower.state;
  } finally {
    follower.end();
  }
}

/** State of a run, look by look. */
class RunFollower {
  readonly state: RunState = { failures: new FailureGroups() };
  readonly #open: () => Promise<OpenQueue>;
  readonly #watch: Watch;
  readonly #progress: LiveProgress;
  readonly #settled = new SettledRows();
  readonly #warned = new Set<string>();
  #queue: OpenQueue | undefined;
  #awaySince: number | undefined;
  #haveWorkersEnded = false;

  constructor(open: () => Promise<OpenQueue>, watch: Watch) {
    this.#open = open;
    this.#watch = watch;
    this.#progress = new LiveProgress(process.stderr, watch.eta);
  }

  /** @param isLast True if an error needs no warning any more. @returns True if this was the last look. */
  async look(isLast: boolean): Promise<boolean> {
    for (const line of this.#watch.warnings?.splice(0) ?? []) this.#warn(line);
    try {
      this.#queue ??= await this.#open();
      await this.#read(this.#queue);
    } catch (error) {
      if (error instanceof OutputError) throw error;
      this.#onUnreadable(error, isLast);
    }
    const { unread, counts, isDeserted = false } = this.state;
    return unread === undefined && ((counts !== undefined && isOver(counts)) || isDeserted);
  }

  end(): void {
    this.#queue?.close();
    this.#progress.clear();
  }

  async #read(queue: OpenQueue): Promise<void> {
    const { state } = this;
    const { rows, warnings } = this.#watch;
    const counts = await queue.admin.counts();
    state.counts = counts;
    for await (const record of this.#settled.look(queue.admin, counts)) {
      if (record.outcome === "dead") state.failures.add(record);
      this.#progress.clear();
      rows.add(resultRow(record));
    }
    const isIdle = counts.state === "open" && counts.running === 0;
    state.isDeserted = isIdle && this.#haveWorkersEnded; // these counts were read after the end of the workers
    this.#haveWorkersEnded = !warnings && isIdle && ((await queue.workersEnded?.()) ?? false);
    if (!warnings && isIdle && !this.#haveWorkersEnded) this.#warn(await queue.podProblem?.());
    this.#progress.show(counts);
    state.unread = undefined;
    this.#awaySince = undefined;
  }

  /** Called if the run is not there yet, or away. @throws UserError if it is away for too long. */
  #onUnreadable(error: unknown, isLast: boolean): void {
    const { warnings, patienceMs = PATIENCE_MS } = this.#watch;
    const unread = firstLine(this.#queue?.admin.reasonOf(error) ?? error);
    this.state.unread = unread;
    // At first, the objects of `up` do not exist yet.
    if (!isLast && (!warnings || this.state.counts)) this.#warn(`cannot read the run: ${unread}; trying again`);
    this.#queue?.close();
    this.#queue = undefined;
    this.#awaySince ??= performance.now();
    if (!isLast && !warnings && performance.now() - this.#awaySince > patienceMs)
      throw new UserError(`cannot read the run: ${unread}`);
  }

  #warn(line: string | undefined): void {
    if (line === undefined || this.#warned.has(line)) return;
    this.#warned.add(line);
    this.#progress.clear();
    console.error(`warning: ${oneLine(withOptions(line))}`);
  }
}

/** The outcome for people: the counts, and the failures by reason. */
export function summary({ counts, failures, isDeserted }: RunState): string[] {
  if (!counts) return [];
  const { total, done, dead, state, reason } = counts;
  const left = isDeserted ? `; its workers ended with ${pluralize(total - done - dead, "item")} left` : "";
  const end = state === "aborted" ? `; aborted: ${oneLine(withOptions(reason ?? "no reason given"))}` : left;
  const groups = failures.sorted().map(({ reason, count, example }) => {
    return `  ${pluralize(count, "item")}: ${oneLine(withOptions(reason), 200)} (e.g. ${displayName(example.payload)})`;
  });
  return [`${done} of ${pluralize(total, "item")} done, ${dead} failed${end}`, ...groups];
}
