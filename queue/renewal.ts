import { Worker } from "node:worker_threads";
import type { ConsumerOptions } from "./types.ts";

/** What the renewal thread is told at its start. */
export interface RenewalData {
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
export type ToRenewal = { hello: string };
export type FromRenewal = { gone: string[] };

/** Starts the thread that keeps the leases while handlers keep the event loop. */
export function startRenewal(data: RenewalData, onGone: (members: string[]) => void): Worker {
  const file = import.meta.url.endsWith(".ts") ? "./renewer.ts" : "./renewer.js";
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data });
  worker.on("message", ({ gone }: FromRenewal) => onGone(gone));
  worker.unref();
  return worker;
}
