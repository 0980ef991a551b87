import { setTimeout as sleep } from "node:timers/promises";
import prettyMs from "pretty-ms";
import { oneLine } from "../config/foreignText.ts";
import { type Counts, isRefusal, QueueAdmin } from "../queue/index.ts";
import { printable } from "../worker/log.ts";
import { exitCodes, ProgramExit } from "../worker/program.ts";
import { runFinish } from "./finish.ts";
import { IdleMeter } from "./idleMeter.ts";
import { Metrics } from "./metrics.ts";
import { Notifier, type Occasion } from "./notifier.ts";
import { progressLine } from "./progress.ts";
import { Scaler } from "./scaling/scaler.ts";
import type { SupervisorSettings } from "./settings.ts";
import { StallWatch } from "./stallWatch.ts";
import { lostLine, summarize, verdictLine } from "./verdict.ts";

const POLL_MS = 1_000;
const PROGRESS_MS = 5_000;
/** Time for Prometheus to read the last metrics, ms. */
const SCRAPE_MS = 30_000;
/** Number of failed items that the verdict names. */
const NAMED = 5;

/** Looks at a batch once a second, and acts on its counts. Redis may go away and come back meanwhile. */
export class Supervisor {
  readonly #settings: SupervisorSettings;
  readonly #progress = progressLine(PROGRESS_MS);
  readonly #stalls: StallWatch;
  readonly #idleMeter: IdleMeter;
  readonly #notifier?: Notifier;
  readonly #scaler?: Scaler;
  readonly #metrics?: Metrics;
  /** Counts of the last look. */
  #last?: Counts;

  constructor(settings: SupervisorSettings) {
    this.#settings = settings;
    const { queue, name, notifyUrl, scale, metrics, stallAfter, concurrency } = settings;
    this.#idleMeter = new IdleMeter(concurrency);
    this.#stalls = new StallWatch(stallAfter);
    if (notifyUrl) this.#notifier = new Notifier(notifyUrl, name);
    if (scale) this.#scaler = new Scaler(scale.namespace, scale.job, scale);
    if (metrics) {
      this.#metrics = new Metrics(queue);
      void this.#metrics.listen();
    }
  }

  /** @returns The exit code. @throws ProgramExit with the verdict where it is a bad one. */
  async run(): Promise<number> {
    const { url, queue, deadline } = this.#settings;
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
        if (Date.now() > deadline)
          throw new ProgramExit(exitCodes.verdict, `The batch could not be judged: ${message}`);
        if (message !== away) console.log(oneLine(/Redis/.test(message) ? message : `Redis is away: ${message}`));
        away = message;
      }
    }
  }

  /** Watches until the batch has ended, or another supervisor has taken over. @returns The exit code. */
  async #watch(admin: QueueAdmin): Promise<number> {
    const id = process.env.WQ_POD ?? "";
    const { supervision } = admin;
    await supervision.claim(id);
    for (; ; await sleep(POLL_MS)) {
      if (!(await supervision.holds(id))) {
        console.log("Another supervisor has taken over");
        return 0;
      }
      const counts = await admin.counts();
      // Without the keys of the batch nobody knows what was done.
      if (this.#last?.owner && !counts.owner)
        return await this.#conclude(admin, "lost", lostLine(this.#last), false, counts);
      this.#last = counts;
      this.#metrics?.update(counts, admin);
      if (counts.state === "finished" || counts.state === "aborted") {
        // An end is believed once it is on disk, and still there.
        await supervision.persist(id);
        const confirmed = await admin.counts();
        if (confirmed.state === counts.state) return await this.#end(admin, confirmed);
        continue;
      }
      if (Date.now() > this.#settings.deadline) return await this.#overdue(admin, counts);
      await this.#follow(admin, counts);
    }
  }

  /** Acts on the counts of a batch that has not ended. */
  async #follow(admin: QueueAdmin, counts: Counts): Promise<void> {
    const time = this.#idleMeter.look(counts);
    if (time) await admin.supervision.addWorkerTime(time);
    const lines = [await this.#scaler?.follow(counts), this.#progress(counts)];
    const stalled = this.#stalls.look(counts);
    if (stalled) {
      lines.push(stalled);
      await this.#notify(admin, "stalled", stalled, counts);
    }
    for (const line of lines) if (line) console.log(oneLine(line));
  }

  async #end(admin: QueueAdmin, counts: Counts): Promise<number> {
    const failed: string[] = [];
    for await (const { payload } of admin.dead()) if (failed.push(printable(payload)) >= NAMED) break;
    let { line, passes } = summarize(counts, failed, this.#settings.allowFailures);
    let finish: string | undefined;
    if (passes && this.#settings.finish) {
      try {
        const { finish: command, maxOutputBytes } = this.#settings;
        const run = () => runFinish(command, admin, maxOutputBytes);
        finish = await admin.supervision.finishOnce(counts.endedAt, process.env.WQ_POD ?? "", run);
      } catch (error) {
        [line, passes] = [`${line}, but finish failed: ${(error as Error).message} (again: pulumi up)`, false];
      }
    }
    // `up` reads it from the log.
    if (passes) console.log(verdictLine(counts, failed, finish));
    const occasion = counts.state === "aborted" ? "aborted" : passes ? "finished" : "failed";
    return this.#conclude(admin, occasion, line, passes, counts);
  }

  /** The verdict that time is up. The Job controller ends the workers, which release what they have in flight. */
  #overdue(admin: QueueAdmin, counts: Counts): Promise<number> {
    const { done, dead, total } = counts;
    const failed = dead > 0 ? `, ${dead} failed` : "";
    const line = `the workers reached activeDeadline (${prettyMs(this.#settings.activeDeadline)}) with ${done} of ${total} items done${failed}: \`pulumi up\` goes on where they stopped; raise activeDeadline if they need longer`;
    return this.#conclude(admin, "overdue", line, false, counts);
  }

  async #conclude(
    admin: QueueAdmin,
    occasion: Occasion,
    line: string,
    passes: boolean,
    counts: Counts,
  ): Promise<number> {
    await this.#notify(admin, occasion, line, counts);
    await this.#metrics?.close(SCRAPE_MS);
    if (!passes) throw new ProgramExit(exitCodes.verdict, line);
    console.log(oneLine(line));
    return 0;
  }

  /** Notifies once of each event, also where the supervisor was started again. */
  async #notify(admin: QueueAdmin, occasion: Occasion, line: string, counts: Counts): Promise<void> {
    const event = `${occasion} ${counts.endedAt || counts.done + counts.dead}`;
    if (!this.#notifier || (await admin.supervision.wasNotified(event))) return;
    const trouble = await this.#notifier.tell(occasion, line, counts);
    if (trouble) console.log(`Warning: notification failed, \`notify\`: ${trouble}`);
    else await admin.supervision.setNotified(event);
  }
}
