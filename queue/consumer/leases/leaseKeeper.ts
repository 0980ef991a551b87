import { Worker } from "node:worker_threads";
import type { ConsumerOptions } from "../../types.ts";

/** Data for the lease keeper's thread at its start. */
export interface LeaseKeeperData extends Pick<
  ConsumerOptions,
  "url" | "tls" | "queue" | "leaseMs" | "itemTimeoutMs" | "retry" | "maxFailures" | "drain" | "healthPort"
> {
  session: string;
  maxLosses: number;
  /** That of the {@link LeaseTable}. */
  memory: SharedArrayBuffer;
}

/** Messages of the thread. */
export type FromLeaseKeeper =
  /** Leases that are gone. */
  | { type: "gone"; members: string[] }
  /** Leases have to be kept here, and cannot be; without a reason: they can again. */
  | { type: "trouble"; why?: string | undefined }
  /** The worker is to be stopped. */
  | { type: "stop" };

/**
 * Starts the thread that keeps the leases while a handler blocks the event loop, or the worker's own connection is
 * dead.
 * @param onMessage Told what the thread tells.
 * @param onEnd Told when the thread ended by itself: without it this process must not hold items.
 */
export function startLeaseKeeper(
  data: LeaseKeeperData,
  onMessage: (message: FromLeaseKeeper) => void,
  onEnd: (error: Error) => void,
): Worker {
  const file = import.meta.url.endsWith(".ts") ? "./leaseKeeperThread.ts" : "./leaseKeeperThread.js";
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data });
  worker.on("message", onMessage);
  const ended = (why: string) => new Error(`The thread that keeps the leases ended: ${why}.`);
  worker.on("error", (error: Error) => onEnd(ended(error.message)));
  worker.on("exit", (code) => onEnd(ended(`code ${code}`)));
  worker.unref();
  return worker;
}
