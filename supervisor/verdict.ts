// The verdict on a batch, as one line.
import { jsonLine } from "../config/foreignText.ts";
import type { Counts } from "../queue/index.ts";

const items = (count: number) => `${count} item${count === 1 ? "" : "s"}`;

/** Number of failed items that the line names. */
export const NAMED = 5;

/** The command that goes on, at the end of every bad verdict. */
const AGAIN = "again: npx --no wq retry";

/** A name as a part of a list: in quotes where one cannot see where it ends. */
const listed = (name: string) => (/[,'"]|^\s|\s$/.test(name) || name === "" ? `'${name}'` : name);

/** The line of the verdict, and whether the batch passes. */
export function summarize(counts: Counts, failed: string[], allowFailures: boolean): { line: string; passes: boolean } {
  const { state, reason, total, done, dead, waiting } = counts;
  const late = waiting > 0 ? `; ${items(waiting)} pushed after the end, not run (to run: npx --no wq resume)` : "";
  const missing = total - done - dead;
  const others =
    missing > 0
      ? `; ${items(missing)} missing: another program took them, or Redis lost them (another \`run\` runs all items again, \`allowFailures\` lets them pass)`
      : "";
  if (state === "aborted")
    return {
      line: `the batch was aborted: ${reason ?? "no reason given"}; ${done} of ${total} done (${AGAIN})`,
      passes: false,
    };
  if (state !== "finished")
    return { line: `the batch is not finished (${state}): ${done} of ${total} done`, passes: false };
  if (dead === 0) {
    const all = total === 1 ? "the 1 item" : `all ${items(total)}`;
    return missing > 0
      ? { line: `${done} of ${items(total)} done${others}${late}`, passes: allowFailures }
      : { line: `${all} done${late}`, passes: true };
  }
  const more = dead > failed.length ? `, and ${dead - failed.length} more` : "";
  return {
    line: `${dead} of ${items(total)} failed: ${failed.map(listed).join(", ")}${more}${others}${late} (why: npx --no wq failed; ${AGAIN})`,
    passes: allowFailures,
  };
}

/** The line for a batch whose keys vanished while it ran. @param last The counts before, if they are known. */
export function lostLine(last: Counts | undefined): string {
  const far = last ? `, with ${last.done} of ${items(last.total)} done` : "";
  return `Redis lost the batch, or somebody purged it${far}: another \`run\` runs all items again`;
}

/** The outcome of a batch that passes: a line of the log, if `up` finds it (components/batch/verdict.ts). */
export function verdictLine(counts: Counts, failed: string[], finish?: string): string {
  const { state, total, done, dead, startedAt, endedAt } = counts;
  const seconds = startedAt ? Math.round((endedAt - startedAt) / 1000) : 0;
  return `verdict: ${jsonLine({ state, counts: { total, done, failed: dead }, failed, seconds, finish })}`;
}
