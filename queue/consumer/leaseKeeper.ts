import { Worker } from "node:worker_threads";
import type { ConsumerOptions } from "../types.ts";

/** What the renewal thread is told at its start. */
export interface LeaseKeeperData {
  url: string;
  queue: string;
  session: string;
  leaseMs: number;
  itemTimeoutMs: number;
  retry: ConsumerOptions["retry"];
  maxFailures?: number;
  /** The table of {@link Slots}. */
  memory: SharedArrayBuffer;
}

/** What the two threads tell each other. */
export type ToLeaseKeeper = { heartbeat: string };
export type FromLeaseKeeper = { gone: string[] };

/**
 * Starts the thread that keeps the leases while handlers keep the event loop.
 * @param onGone Told of leases that somebody else has, or nobody.
 * @param onEnd Told when the thread is gone by itself: without it this process must not hold items.
 */
export function startLeaseKeeper(
  data: LeaseKeeperData,
  onGone: (members: string[]) => void,
  onEnd: (error: Error) => void,
): Worker {
  const file = import.meta.url.endsWith(".ts") ? "./leaseKeeperThread.ts" : "./leaseKeeperThread.js";
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data });
  worker.on("message", ({ gone }: FromLeaseKeeper) => onGone(gone));
  const ended = (why: string) => new Error(`The thread that renews the leases ended: ${why}.`);
  worker.on("error", (error: Error) => onEnd(ended(error.message)));
  worker.on("exit", (code) => onEnd(ended(`code ${code}`)));
  worker.unref();
  return worker;
}
