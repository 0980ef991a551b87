// The end of a batch as the supervisor tells it: a line, a notification, and an exit code.
import prettyMs from "pretty-ms";
import { oneLine } from "../config/foreignText.ts";
import type { Counts, QueueAdmin } from "../queue/index.ts";
import { exitCodes } from "../worker/exitCodes.ts";
import { printable } from "../worker/log.ts";
import { ProgramExit } from "../worker/runProgram.ts";
import { FinishError, runFinish } from "./finish.ts";
import type { Metrics } from "./metrics.ts";
import type { Notifier, Occasion } from "./notifier.ts";
import type { SupervisorSettings } from "./settings.ts";
import { lostLine, NAMED, summarize, verdictLine } from "./verdict.ts";

/** Time for Prometheus to read the last metrics, ms. */
const SCRAPE_MS = 30_000;

/** Recipients of the end. */
export interface Listeners {
  notifier: Notifier | undefined;
  metrics: Metrics | undefined;
}

/** Each method returns the exit code, or throws a ProgramExit with a bad verdict. */
export class Conclusion {
  readonly #settings: SupervisorSettings;
  readonly #listeners: Listeners;

  constructor(settings: SupervisorSettings, listeners: Listeners) {
    this.#settings = settings;
    this.#listeners = listeners;
  }

  /** The batch is finished or aborted. */
  async ended(admin: QueueAdmin, counts: Counts): Promise<number> {
    const failed: string[] = [];
    for await (const { payload } of admin.dead()) if (failed.push(printable(payload)) >= NAMED) break;
    let { line, passes } = summarize(counts, failed, this.#settings.allowFailures);
    let finish: string | undefined;
    if (passes && this.#settings.finish) {
      try {
        const { finish: command, finishDigest = "", maxOutputBytes } = this.#settings;
        const run = () => runFinish(command, admin, maxOutputBytes);
        finish = await admin.supervision.finishOnce(counts.endedAt, finishDigest, process.env.WQ_POD ?? "", run);
      } catch (error) {
        if (!(error instanceof FinishError)) throw error;
        [line, passes] = [`${line}, but finish failed: ${error.message} (again: pulumi up)`, false];
      }
    }
    // `up` reads it from the log.
    if (passes) console.log(verdictLine(counts, failed, finish));
    const occasion = counts.state === "aborted" ? "aborted" : passes ? "finished" : "failed";
    return this.#conclude(admin, occasion, line, passes, counts);
  }

  /** Time is up. The Job controller ends the workers, which release what they have in flight. */
  overdue(admin: QueueAdmin, counts: Counts): Promise<number> {
    const { done, dead, total } = counts;
    const failed = dead > 0 ? `, ${dead} failed` : "";
    const line = `the workers reached activeDeadline (${prettyMs(this.#settings.activeDeadline)}) with ${done} of ${total} items done${failed}: \`pulumi up\` goes on where they stopped; raise activeDeadline if they need longer`;
    return this.#conclude(admin, "overdue", line, false, counts);
  }

  /** Called at the beginning if `finish` cannot run at the end. The workers go on. */
  unfinishable(admin: QueueAdmin, counts: Counts, problem: string): Promise<number> {
    const line = `\`finish\` cannot run: ${problem}. The workers go on: mend it, and run \`pulumi up\``;
    return this.#conclude(admin, "failed", line, false, counts);
  }

  /** Redis no longer has the batch. @param before The last counts, if there are any. */
  lost(admin: QueueAdmin, before: Counts | undefined, counts: Counts): Promise<number> {
    return this.#conclude(admin, "lost", lostLine(before), false, counts);
  }

  async #conclude(
    admin: QueueAdmin,
    occasion: Occasion,
    line: string,
    passes: boolean,
    counts: Counts,
  ): Promise<number> {
    const { notifier, metrics } = this.#listeners;
    await notifier?.tellOnce(admin.supervision, occasion, line, counts);
    await metrics?.close(SCRAPE_MS);
    if (!passes) throw new ProgramExit(exitCodes.verdict, line);
    console.log(oneLine(line));
    return 0;
  }
}
