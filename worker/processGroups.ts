// Process groups of the commands that this process starts, none of which outlives it.
import { setTimeout as sleep } from "node:timers/promises";

/** Time between TERM and KILL, ms. */
export const TERM_MS = 5_000;
const POLL_MS = 20;

/** Groups that may still have members. */
const groups = new Set<number>();
process.on("exit", () => {
  for (const group of groups) signalGroup(group, "SIGKILL");
});

/** Registers a group, which ends with this process at the latest. */
export function trackGroup(group: number): void {
  groups.add(group);
}

/** Ends what is left of a group: TERM, then KILL. One without members is gone at once. */
export async function endGroup(group: number): Promise<void> {
  signalGroup(group, "SIGTERM");
  for (const end = performance.now() + TERM_MS; performance.now() < end; await sleep(POLL_MS)) {
    if (!signalGroup(group, 0)) return void groups.delete(group);
  }
  signalGroup(group, "SIGKILL");
  groups.delete(group);
}

/**
 * Waits until all groups that got SIGTERM have ended, at most `ms`. What is left at the exit of this process is killed.
 */
export async function waitForGroups(ms: number): Promise<void> {
  for (const end = performance.now() + ms; groups.size > 0 && performance.now() < end;) await sleep(POLL_MS);
}

/** Whether the group has members that got the signal. */
function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch {
    return false;
  }
}
