import type { Attempt, Counts, ItemRecord, WorkerInfo } from "../../queue/types.ts";

/** The time of these looks, ms. */
export const NOW = 1_800_000_000_000;

/** A look at a batch of 100 items that has run for ten seconds. */
export const counts = (more: Partial<Counts> = {}): Counts => ({
  state: "open",
  owner: "fruit/dev",
  total: 100,
  waiting: 50,
  running: 10,
  delayed: 0,
  suspects: 0,
  done: 40,
  dead: 0,
  lost: 0,
  retried: 0,
  external: 0,
  workersAlive: 0,
  nextDueAt: 0,
  dueSoon: 0,
  startedAt: NOW - 10_000,
  endedAt: 0,
  now: NOW,
  ...more,
});

/** A worker that has nothing in flight. */
export const worker = (pod: string, more: Partial<WorkerInfo> = {}): WorkerInfo => ({
  session: pod,
  pod,
  node: "node-1",
  slots: 1,
  alive: true,
  lastSeen: NOW - 500,
  startedAt: NOW - 10_000,
  done: 0,
  failed: 0,
  inFlight: [],
  ...more,
});

/** An attempt of three seconds. */
export const attempt = (more: Partial<Attempt> = {}): Attempt => ({
  pod: "pod-1",
  node: "node-1",
  start: NOW,
  end: NOW + 3_000,
  outcome: "done",
  ...more,
});

/** An item that is done at its first attempt. */
export const record = (item: string | Buffer, more: Partial<ItemRecord> = {}): ItemRecord => ({
  id: 1,
  payload: Buffer.from(item),
  outcome: "done",
  attempts: [attempt()],
  ...more,
});
