// The rows of the proof: what is done to each batch.
import { absentApiServer } from "./faults/apiServer.ts";
import { drainedNode, killedNode } from "./faults/nodes.ts";
import { forceDeletedPods, killedWorkers } from "./faults/pods.ts";
import { absentRedis, fullDisk, killedRedis } from "./faults/redis.ts";
import type { Field } from "./field.ts";

/** One row. */
export interface Row {
  title: string;
  /** Causes its faults, and repairs what they broke. */
  disturb: (field: Field) => Promise<unknown>;
  /** Least number of faults: fewer prove nothing. */
  atLeast: number;
}

/** The row that all others are compared with. */
export const UNDISTURBED = "undisturbed";

/** All of them, by name. */
export const rows: Record<string, Row> = {
  [UNDISTURBED]: { title: "no fault", disturb: async () => {}, atLeast: 0 },
  pods: { title: "pods force-deleted one after another", disturb: forceDeletedPods, atLeast: 5 },
  workers: { title: "workers SIGKILLed one after another", disturb: killedWorkers, atLeast: 5 },
  node: { title: "a node killed, back after a minute", disturb: killedNode, atLeast: 1 },
  drain: { title: "a node drained", disturb: drainedNode, atLeast: 1 },
  redis: { title: "Redis SIGKILLed, twice", disturb: killedRedis, atLeast: 2 },
  away: { title: "Redis away for two minutes", disturb: absentRedis, atLeast: 1 },
  disk: { title: "the disk of Redis full for 30 s", disturb: fullDisk, atLeast: 1 },
  api: { title: "the API server away for a minute", disturb: absentApiServer, atLeast: 1 },
  all: { title: "all of them, one over the other", disturb: everything, atLeast: 10 },
};

/** Pods and workers die the whole time, and everything else happens once. */
async function everything(field: Field): Promise<void> {
  const others = [
    () => killedNode(field, { at: 0.15, forMs: 40_000 }),
    () => killedRedis(field, { at: [0.25] }),
    () => absentApiServer(field, { at: 0.35, forMs: 30_000 }),
    () => absentRedis(field, { at: 0.45, forMs: 60_000 }),
    () => fullDisk(field, { at: 0.55, forMs: 20_000 }),
    () => drainedNode(field, { at: 0.65 }),
  ];
  const inTurn = async () => {
    for (const other of others) await other();
  };
  await Promise.all([forceDeletedPods(field, 5_000), killedWorkers(field, 3_000), inTurn()]);
}
