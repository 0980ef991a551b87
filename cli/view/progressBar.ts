import type { ChalkInstance } from "chalk";
import cliProgress from "cli-progress";
import type { Counts } from "../../queue/types.ts";
import { timeLeft, type Throughput } from "./throughput.ts";
import { pluralize, formatNumber, formatDuration } from "./format.ts";

/** Items that are settled for good. */
export const settledCount = ({ done, dead }: Counts): number => done + dead;

/** A bar of `width` characters, as full as the batch is settled; red where items failed. */
export function progressBar(counts: Counts, width: number, chalk: ChalkInstance): string {
  const { total, dead } = counts;
  const share = total > 0 ? Math.min(1, settledCount(counts) / total) : 0;
  const options = {
    ...{ barsize: width, barCompleteString: "█".repeat(width), barIncompleteString: "░".repeat(width), barGlue: "" },
  };
  const text = cliProgress.Format.BarFormat(share, options);
  const full = text.replaceAll("░", "");
  return (dead ? chalk.red(full) : chalk.green(full)) + chalk.dim(text.slice(full.length));
}

/** `34.2 items/s, 2m 11s left (2m 5s to 2m 20s)`; empty while nothing is known. */
export function throughputText(counts: Counts, pace: Throughput | undefined): string {
  if (!pace || counts.state !== "open") return "";
  const { ms, low, high } = timeLeft(Math.max(0, counts.total - settledCount(counts)), pace);
  const perSecond =
    pace.rate >= 0.1 ? `${formatNumber(pace.rate)} items/s` : `${formatNumber(pace.rate * 60)} items/min`;
  return `${perSecond}, ${formatDuration(ms)} left (${formatDuration(low)} to ${formatDuration(high)})`;
}

/** What the state means, in a word or a line. */
export function stateText(counts: Counts): string {
  const { state, reason, dead, startedAt, endedAt, now } = counts;
  if (!counts.total && !counts.owner) return "nothing in it yet";
  const took = startedAt ? formatDuration((endedAt || now) - startedAt) : "";
  switch (state) {
    case "seeding":
      return "being filled";
    case "paused":
      return "paused: nothing new starts";
    case "aborted":
      return `aborted: ${reason ?? "no reason given"}`;
    case "finished":
      return `finished${took && ` in ${took}`}${dead ? `, ${pluralize(dead, "item")} failed` : ""}`;
    case "open":
      return took ? `running for ${took}` : "waiting for workers";
  }
}

/** All of it on one line, for a log or where a screen is too much. */
export function progressLine(counts: Counts, pace: Throughput | undefined): string {
  const parts = [`${formatNumber(settledCount(counts))} of ${pluralize(counts.total, "item")}`];
  if (counts.dead) parts.push(`${formatNumber(counts.dead)} failed`);
  if (counts.running) parts.push(`${formatNumber(counts.running)} running`);
  if (counts.delayed) parts.push(`${formatNumber(counts.delayed)} retrying`);
  const rest = counts.state === "open" ? throughputText(counts, pace) : stateText(counts);
  return [...parts, ...(rest ? [rest] : [])].join(", ");
}
