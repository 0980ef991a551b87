// Settings of the supervisor: what the Batch tells it, and what Kubernetes fills in (worker/README.md).
import { type ProgramSettings, readSettings } from "../config/toldSettings.ts";
import { redisUrl, text } from "../worker/containerVariables.ts";
import type { ScaleOptions } from "./scaling/scalePlan.ts";

/** Most bytes of the output of `finish`, which must fit into a ConfigMap. */
const MAX_OUTPUT_BYTES = 512 * 1024;

/** The settings as the supervisor uses them. */
export interface SupervisorSettings extends Omit<ProgramSettings<"supervisor">, "scale" | "name" | "workersSince"> {
  url: string;
  name: string;
  /** Beginning of the workers' time, ms since the epoch. */
  workersSince: number;
  /** Most items that a worker has in flight. */
  concurrency: number;
  scale: (ScaleOptions & { job: string; namespace: string }) | undefined;
  notifyUrl: string | undefined;
  /** Most bytes of the output of `finish` that are kept. */
  maxOutputBytes: number;
}

/** @throws ConfigError: one line that names the variable. */
export async function supervisorSettings(): Promise<SupervisorSettings> {
  const told = readSettings("supervisor");
  const { queue, name = queue, scale, batch = 1 } = told;
  const concurrency = told.concurrency * batch;
  return {
    ...told,
    url: await redisUrl(),
    name,
    workersSince: Date.parse(told.workersSince ?? "") || Date.now(),
    concurrency,
    scale: scale && { ...scale, concurrency, idleAfterMs: scale.idleAfter, namespace: text("WQ_NAMESPACE") },
    notifyUrl: process.env.WQ_NOTIFY,
    maxOutputBytes: Math.min(MAX_OUTPUT_BYTES, told.maxResultBytes),
  };
}
