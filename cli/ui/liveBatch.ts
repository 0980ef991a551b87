// A batch as the page shows it. One look serves all browsers.
import { setTimeout as sleep } from "node:timers/promises";
import { type Counts, isOver, QueueAdmin, type WorkerInfo } from "../../queue/index.ts";
import type { LastingQueue } from "../follow/lastingQueue.ts";
import { collect, topReasons } from "../report/collect.ts";
import type { ReportData } from "../report/reportData.ts";
import { FailureGroups } from "../view/failureGroups.ts";
import { displayName } from "../view/format.ts";
import { stateText } from "../view/progressBar.ts";
import { RateEstimator, timeLeft, workerThroughput } from "../view/throughput.ts";
import type { LiveState, LiveWorker } from "./liveState.ts";
import { Paced } from "./paced.ts";
import { SampledRun } from "./sampledRun.ts";

const LOOK_MS = 500;
/** A batch of at most this many items is read whole, as for the report. So is a batch that is over. */
const MAX_READ = 2_000;
const MAX_IN_FLIGHT_SHOWN = 8;

/** A value for the page. `version` changes with the value. */
interface Versioned<T> {
  version: number;
  value: T;
}

export class LiveBatch {
  readonly queue: string;
  readonly #lasting: LastingQueue;
  readonly #title: string;
  readonly #hasJob: boolean;
  readonly #rates = new RateEstimator();
  readonly #run = new SampledRun();
  readonly #workersPace = new Paced(1_000, 3_000);
  readonly #reportPace = new Paced(2_000, 20_000);
  #workers: WorkerInfo[] = [];
  #state?: LiveState;
  #report?: Versioned<string>;
  #reported = "";
  #doing?: string | undefined;
  #waiting = new Set<() => void>();

  constructor(lasting: LastingQueue, queue: string, title: string, hasJob: boolean) {
    this.#lasting = lasting;
    this.queue = queue;
    this.#title = title;
    this.#hasJob = hasJob;
  }

  get admin(): QueueAdmin {
    return new QueueAdmin(this.#lasting.current.redis, this.queue);
  }

  /** Looks until the signal aborts. */
  async watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#lasting.ask(() => this.#look());
      await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    }
  }

  get state(): LiveState | undefined {
    return this.#state;
  }

  /** The report's data as JSON. */
  get report(): Versioned<string> | undefined {
    return this.#report;
  }

  /** Resolves with the next look. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  setAway(away: string | undefined): void {
    if (this.#state) this.#publish({ ...this.#state, away });
  }

  setDoing(doing: string | undefined): void {
    this.#doing = doing;
    if (this.#state) this.#publish({ ...this.#state, doing });
  }

  async #look(): Promise<void> {
    const { admin } = this;
    const counts = await admin.counts();
    this.#rates.sample(counts);
    this.#run.addCounts(counts);
    await this.#workersPace.run(async () => {
      this.#workers = await admin.workers();
      this.#run.addWorkers(counts, this.#workers);
    });
    this.#publish(this.#stateOf(counts));
    // Not awaited, since millions of items take long. If Redis went away, the next look says so.
    void this.#reportPace.run(() => this.#readReport(admin, counts)).catch(() => {});
  }

  #publish(state: LiveState): void {
    this.#state = state;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const resolve of waiting) resolve();
  }

  #stateOf(counts: Counts): LiveState {
    const throughput = this.#rates.throughput() ?? workerThroughput(this.#workers, counts);
    const isRunning = throughput !== undefined && counts.state === "open";
    return {
      queue: this.queue,
      title: this.#title,
      counts,
      state: stateText(counts),
      rate: isRunning ? throughput.rate : null,
      left: isRunning ? timeLeft(counts, throughput) : null,
      workers: this.#workers.map((worker) => liveWorker(worker, counts.now)),
      hasJob: this.#hasJob,
      doing: this.#doing,
    };
  }

  /** Whatever of it did not change since is not read again. */
  async #readReport(admin: QueueAdmin, counts: Counts): Promise<void> {
    const { state, total, done, dead, retried, lost, now } = counts;
    const isRead = isOver(counts) || total <= MAX_READ;
    const version = JSON.stringify([isRead, state, total, done, dead, retried, lost, isRead || now]);
    if (version === this.#reported) return;
    const data = isRead ? await collect(this.#title, counts, admin.results()) : await this.#sampled(admin, counts);
    this.#report = { version: (this.#report?.version ?? 0) + 1, value: JSON.stringify(data) };
    this.#reported = version;
  }

  async #sampled(admin: QueueAdmin, counts: Counts): Promise<ReportData> {
    const failures = new FailureGroups();
    for await (const record of admin.dead()) failures.add(record);
    const data = await collect(this.#title, counts, []);
    return { ...data, ...this.#run.data(), reasons: topReasons(failures) };
  }
}

function liveWorker({ inFlight, ...worker }: WorkerInfo, now: number): LiveWorker {
  const oldest = inFlight.toSorted((a, b) => a.since - b.since).slice(0, MAX_IN_FLIGHT_SHOWN);
  const { session, pod, node, slots, done, failed, alive, lastSeen } = worker;
  return {
    session,
    pod,
    node,
    slots,
    done,
    failed,
    alive,
    silentMs: Math.max(0, now - lastSeen),
    inFlight: oldest.map(({ id, payload, since }) => ({
      id,
      item: displayName(payload),
      forMs: Math.max(0, now - since),
    })),
    more: inFlight.length - oldest.length,
  };
}
