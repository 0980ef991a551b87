import { setTimeout as sleep } from "node:timers/promises";
import { oneLine } from "../config/foreignText.ts";
import { type Counts, isOver, isRefusal, QueueAdmin, RedisError } from "../queue/index.ts";
import { exitCodes } from "../worker/exitCodes.ts";
import { ProgramExit } from "../worker/runProgram.ts";
import { Conclusion } from "./conclusion.ts";
import { finishProblem } from "./finish.ts";
import { IdleMeter } from "./idleMeter.ts";
import { Metrics } from "./metrics.ts";
import { Notifier } from "./notifier.ts";
import { progressLine } from "./progress.ts";
import { Scaler } from "./scaling/scaler.ts";
import type { SupervisorSettings } from "./settings.ts";
import { StallWatch } from "./stallWatch.ts";

const POLL_MS = 1_000;
const PROGRESS_MS = 5_000;
/** A supervisor that was taken over concludes this much later, ms: the other one may have gone without a verdict. */
const STAND_BY_MS = 10_000;

/** Looks at a batch once a second, and acts on its counts. Redis may go away and come back meanwhile. */
export class Supervisor {
  readonly #settings: SupervisorSettings;
  readonly #progress = progressLine(PROGRESS_MS);
  readonly #stalls: StallWatch;
  readonly #idleMeter: IdleMeter;
  readonly #notifier?: Notifier;
  readonly #scaler?: Scaler;
  readonly #metrics?: Metrics;
  readonly #conclusion: Conclusion;
  /** Reason why `finish` cannot run. */
  readonly #finishProblem?: string | undefined;
  /** Counts of the last look. */
  #last?: Counts;
  /** True if the batch was seen before or at its end, or its workers began before that. */
  #wasSeen = false;

  constructor(settings: SupervisorSettings) {
    this.#settings = settings;
    const { queue, name, notifyUrl, scale, metrics, stallAfter, concurrency, finish } = settings;
    this.#idleMeter = new IdleMeter(concurrency);
    this.#stalls = new StallWatch(stallAfter);
    if (notifyUrl) this.#notifier = new Notifier(notifyUrl, name);
    if (scale) this.#scaler = new Scaler(scale.namespace, scale.job, scale);
    if (metrics) {
      this.#metrics = new Metrics(queue);
      // Another pod on the host's network may have the port.
      this.#metrics.listen().catch((error: Error) => console.log(oneLine(`Warning: no metrics: ${error.message}`)));
    }
    // A file with an absolute path may lie on a volume, and may be there only with the items.
    if (finish && !finish.some((word) => word.startsWith("/"))) this.#finishProblem = finishProblem(finish);
    this.#conclusion = new Conclusion(settings, { notifier: this.#notifier, metrics: this.#metrics });
  }

  /** @returns The exit code. @throws ProgramExit with the verdict if it is a bad one. */
  async run(): Promise<number> {
    const { url, queue } = this.#settings;
    let away = "";
    for (; ; await sleep(POLL_MS)) {
      try {
        const admin = await QueueAdmin.open(url, queue);
        away = "";
        try {
          return await this.#watch(admin);
        } catch (error) {
          throw error instanceof ProgramExit ? error : admin.reasonOf(error);
        } finally {
          await admin.close();
        }
      } catch (error) {
        if (error instanceof ProgramExit) throw error;
        const { message } = error as Error;
        // Waiting does not change that. A process that starts anew reads the password anew.
        if (isRefusal(error as Error)) throw new ProgramExit(exitCodes.redis, message);
        if (Date.now() > this.#deadline)
          throw new ProgramExit(exitCodes.verdict, `The batch could not be judged: ${message}`);
        if (message !== away) console.log(oneLine(error instanceof RedisError ? message : `Redis is away: ${message}`));
        away = message;
      }
    }
  }

  /** Watches until the batch has ended. One that was taken over only looks on. @returns The exit code. */
  async #watch(admin: QueueAdmin): Promise<number> {
    const id = process.env.WQ_POD ?? "";
    const { supervision } = admin;
    await supervision.takeOver(id);
    for (let wasOurs = true; ; await sleep(POLL_MS)) {
      const isOurs = await supervision.holds(id);
      if (wasOurs && !isOurs) console.log("Another supervisor has taken over");
      wasOurs = isOurs;
      const counts = await this.#look(admin);
      if (this.#isGone(counts)) return await this.#conclusion.lost(admin, this.#last, counts);
      this.#last = counts;
      this.#metrics?.update(counts, admin);
      const isOverdue = Date.now() > this.#deadline + (isOurs ? 0 : STAND_BY_MS);
      if (isOver(counts)) {
        if (!isOurs && isRecent(counts)) continue;
        // An end is believed once it is on disk, and still there.
        if (!(await supervision.persist(id)) && !isOverdue) {
          console.log("The verdict waits: Redis did not write the end of the batch to its disk within 30 s");
          continue;
        }
        const confirmed = await this.#look(admin);
        if (confirmed.state === counts.state) return await this.#conclusion.ended(admin, confirmed);
        continue;
      }
      if (isOverdue) return await this.#conclusion.overdue(admin, counts);
      if (isOurs && this.#finishProblem !== undefined)
        return await this.#conclusion.unfinishable(admin, counts, this.#finishProblem);
      if (isOurs) await this.#follow(admin, counts);
    }
  }

  /**
   * Counts of the batch. Items that were pushed after its end do not count if its workers have left, since nobody would
   * take them.
   */
  async #look(admin: QueueAdmin): Promise<Counts> {
    const counts = await admin.counts();
    const { state, workersAlive, waiting, total } = counts;
    const endedAt = state === "open" ? await admin.supervision.finishedAt() : undefined;
    this.#wasSeen ||= endedAt === undefined || endedAt > this.#settings.workersSince;
    if (endedAt === undefined || !this.#wasSeen || workersAlive > 0) return counts;
    const ended: Counts = { ...counts, state: "finished", endedAt, total: total - waiting };
    return isRecent(ended) ? counts : ended;
  }

  /** True if Redis no longer has the keys of the batch: nobody knows what was done. */
  #isGone({ owner, total }: Counts): boolean {
    const wasOwned = this.#settings.isSeeded || this.#last?.owner;
    return !owner && Boolean(wasOwned || (this.#last?.startedAt && total === 0));
  }

  /** End of the workers' time, ms since the epoch. If a Job was held (Kueue), the time begins when it is let go. */
  get #deadline(): number {
    const { workersSince, activeDeadline } = this.#settings;
    return Math.max(workersSince, this.#last?.startedAt ?? 0) + activeDeadline;
  }

  /** Acts on the counts of a batch that has not ended. */
  async #follow(admin: QueueAdmin, counts: Counts): Promise<void> {
    const time = this.#idleMeter.look(counts);
    if (time) await admin.supervision.addWorkerTime(time);
    const busyPods = () => admin.supervision.busyWorkers();
    const lines = [await this.#scaler?.follow(counts, busyPods), this.#progress(counts)];
    const stalled = this.#stalls.look(counts);
    if (stalled) {
      lines.push(stalled);
      await this.#notifier?.tellOnce(admin.supervision, "stalled", stalled, counts);
    }
    for (const line of lines) if (line) console.log(oneLine(line));
  }
}

/** True if a batch ended a moment ago; also by a clock of Redis that went back since. */
const isRecent = ({ now, endedAt }: Counts) => Math.abs(now - endedAt) < STAND_BY_MS;
