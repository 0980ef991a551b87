// The end of a run for its command: it is taken away, kept, or left to the cluster.
import { setTimeout as sleep } from "node:timers/promises";
import { oneLine } from "../../config/foreignText.ts";
import { AbsentError, firstLine, UserError } from "../errors.ts";
import { EXIT_FAILED, EXIT_OK, EXIT_UNFINISHED } from "../exitCodes.ts";
import { endProcess } from "../processEnd.ts";
import { readBatchAt } from "../stack/readStack.ts";
import { attachLine, takeAway } from "./remove.ts";
import { locate } from "../stack/runFolder.ts";
import { type RunState, summary } from "./watch.ts";

/** Time for a Pulumi that was interrupted to end, ms. */
const CANCEL_MS = 10_000;

interface Conclusion {
  keep: boolean | undefined;
  /** Failure of its `up`. */
  trouble: UserError | undefined;
}

/** Reason why a run is kept; undefined if it may be removed. @param trouble Failure of its `up`. */
export function whyLeft({ counts, unread }: RunState, trouble: UserError | undefined): UserError | undefined {
  const isBegun = counts?.state === "open" && counts.waiting < counts.total;
  if (trouble && isBegun) return trouble; // the work goes on without its `up`
  // A run whose `up` failed before there was a queue has no results.
  if (unread === undefined || (trouble && !counts)) return undefined;
  return trouble ?? new UserError(`its results could not be read: ${unread}`);
}

/** Takes away a run whose work is over, unless results of it were not read. Sets the exit code. */
export async function conclude(name: string, state: RunState, { keep, trouble }: Conclusion): Promise<void> {
  const { counts } = state;
  const isBad = !counts || counts.dead > 0 || counts.state !== "finished";
  for (const line of summary(state)) console.error(line);
  const why = whyLeft(state, trouble);
  if (why) return leave(name, why);
  if (keep) console.error(`Kept as ${name}: ${attachLine(name)} removes it.`);
  else
    await takeAway(name).catch((left: Error) => {
      throw trouble ? new UserError(`${trouble.message}; ${left.message}`) : left;
    });
  // If items failed, the trouble only repeats them. Otherwise it is the reason why the run did not get that far.
  if (trouble && (!counts || (counts.dead === 0 && counts.state !== "aborted"))) throw trouble;
  process.exitCode = isBad ? EXIT_FAILED : EXIT_OK;
}

/** Ends this process, and removes the run. @param work Its work, which may not be over yet. */
export async function stop(name: string, work: Promise<unknown>): Promise<never> {
  process.on("SIGINT", () => {}); // Pulumi gets the signal, too
  console.error("Removing it.");
  await Promise.race([work, sleep(CANCEL_MS)]);
  await takeAway(name).catch((error: Error) => console.error(oneLine(error.message)));
  return endProcess(EXIT_FAILED);
}

/** Ends this process; the run goes on in the cluster. @param trouble Why, if nobody asked for it. */
export async function leave(name: string, trouble?: Error): Promise<never> {
  const attach = attachLine(name);
  if (trouble) console.error(`wq run: ${oneLine(firstLine(trouble))}; nothing was removed; to go on: ${attach}`);
  else if (await hasBegun(name)) console.error(`Left running. To go on: ${attach}.`);
  else console.error(`It had not begun, and does not go on. To remove what is there: ${attach}.`);
  return endProcess(EXIT_UNFINISHED);
}

/** False for a run that was left before there was a batch. */
const hasBegun = (name: string): Promise<boolean> =>
  readBatchAt(locate(name)).then(
    () => true,
    (error) => !(error instanceof AbsentError),
  );
