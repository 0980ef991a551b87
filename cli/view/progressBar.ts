import type { ChalkInstance } from "chalk";
import type { Counts } from "../../queue/index.ts";
import { formatDuration, formatNumber, oneLine, pluralize } from "./format.ts";
import { settledCount, timeLeft, type Throughput } from "./throughput.ts";

/** A bar of `width` characters that shows the settled share of the batch; red if items failed. */
export function progressBar(counts: Counts, width: number, chalk: ChalkInstance): string {
  const { total, dead } = counts;
  const share = total > 0 ? Math.min(1, settledCount(counts) / total) : 0;
  const complete = Math.round(share * width);
  const colour = dead ? chalk.red : chalk.green;
  return colour("█".repeat(complete)) + chalk.dim("░".repeat(width - complete));
}

/** `34.2 items/s, 2m 11s left (2m 5s to 2m 20s)`; empty while nothing is known. */
export function throughputText(counts: Counts, throughput: Throughput | undefined): string {
  if (!throughput || counts.state !== "open") return "";
  const { rate } = throughput;
  const { ms, low, high } = timeLeft(counts, throughput);
  const speed = rate >= 0.1 ? `${formatNumber(rate)} items/s` : `${formatNumber(rate * 60)} items/min`;
  return `${speed}, ${formatDuration(ms)} left (${formatDuration(low)} to ${formatDuration(high)})`;
}

/** The state of the batch in a few words. */
export function stateText(counts: Counts): string {
  const { state, reason, dead, startedAt, endedAt, now } = counts;
  if (!counts.total && !counts.owner) return "nothing in it yet";
  const ms = startedAt ? (endedAt || now) - startedAt : 0;
  const took = ms > 0 ? formatDuration(ms) : "";
  switch (state) {
    case "seeding":
      return "being filled";
    case "paused":
      return "paused: nothing new starts";
    case "aborted":
      return `aborted: ${oneLine(reason ?? "no reason given")}`;
    case "finished":
      return `finished${took && ` in ${took}`}${dead ? `, ${pluralize(dead, "item")} failed` : ""}`;
    case "open":
      return took ? `running for ${took}` : "waiting for workers";
  }
}

/** Counts, state and rate on one line, for a log. */
export function progressLine(counts: Counts, throughput: Throughput | undefined): string {
  const parts = [`${formatNumber(settledCount(counts))} of ${pluralize(counts.total, "item")}`];
  if (counts.dead) parts.push(`${formatNumber(counts.dead)} failed`);
  if (counts.running) parts.push(`${formatNumber(counts.running)} running`);
  if (counts.delayed) parts.push(`${formatNumber(counts.delayed)} retrying`);
  parts.push(counts.state === "open" ? throughputText(counts, throughput) : stateText(counts));
  return parts.filter((part) => part !== "").join(", ");
}
