import type { WorkerInfo } from "../types.ts";

/** What a field of `workers` holds: a {@link WorkerInfo} without what is found elsewhere. */
export type WorkerFields = Omit<WorkerInfo, "session" | "inFlight">;

/**
 * Parses `heard SP json` (queue/README.md). What is missing is empty or 0: a half-known worker is better than an error.
 */
export function parseWorker(text: string): WorkerFields {
  const space = text.indexOf(" ");
  const said = JSON.parse(space < 0 ? "{}" : text.slice(space + 1)) as Partial<WorkerFields>;
  return {
    ...{ pod: "", node: "", slots: 0, startedAt: 0, done: 0, failed: 0 },
    ...said,
    lastSeen: Number(space < 0 ? text : text.slice(0, space)),
  };
}
