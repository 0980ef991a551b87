import type { BatchState, Counts } from "../types.ts";

/** True if a batch is finished or aborted: nothing of it is started any more. */
export const isOver = ({ state }: Pick<Counts, "state">): boolean => state === "finished" || state === "aborted";

type Reply = [state: string, reason: string, owner: string, ...numbers: number[]];

/** The answer of counts.lua. */
export function parseCounts(reply: unknown): Counts {
  const [state, reason, owner, ...numbers] = reply as Reply;
  const [total = 0, waiting = 0, running = 0, delayed = 0, suspects = 0, done = 0, dead = 0, ...rest] = numbers;
  const [
    lost = 0,
    retried = 0,
    external = 0,
    startedAt = 0,
    endedAt = 0,
    workersAlive = 0,
    nextDueAt = 0,
    dueSoon = 0,
    now = 0,
  ] = rest;
  return {
    state: state as BatchState,
    ...(reason && { reason }),
    owner,
    total,
    waiting,
    running,
    delayed,
    suspects,
    done,
    dead,
    lost,
    retried,
    external,
    startedAt,
    endedAt,
    workersAlive,
    nextDueAt,
    dueSoon,
    now,
  };
}
