// Settings of the supervisor, from its environment (worker/README.md).
import * as parse from "../config/parse.ts";
import { redisUrl, text } from "../worker/environment.ts";
import type { ScaleOptions } from "./scaling/scalePlan.ts";

/** Most bytes of the output of `finish`, which must fit into a ConfigMap. */
const MAX_OUTPUT_BYTES = 512 * 1024;

/** The settings, parsed. */
export interface SupervisorSettings {
  url: string;
  queue: string;
  /** Name of the batch, for people. */
  name: string;
  allowFailures: boolean;
  /** End of the workers' time, ms since the epoch; below, the limit as it was written. */
  deadline: number;
  activeDeadline: string;
  /** Most items that a worker has in flight. */
  concurrency: number;
  scale: (ScaleOptions & { job: string; namespace: string }) | undefined;
  notifyUrl: string | undefined;
  stallAfterMs: number;
  finish: string[] | undefined;
  /** Most bytes of the output of `finish` that are kept. */
  maxOutputBytes: number;
  metrics: boolean;
}

const optional = <T>(name: string, read: (name: string, value: string) => T): T | undefined =>
  process.env[name] === undefined ? undefined : read(name, process.env[name]);

/** @throws ConfigError: one line that names the variable. */
export async function supervisorSettings(): Promise<SupervisorSettings> {
  const activeDeadline = text("WQ_ACTIVE_DEADLINE");
  const since = Date.parse(process.env.WQ_WORKERS_SINCE ?? "") || Date.now();
  const concurrency = optional("WQ_CONCURRENCY", parse.integer(1)) ?? 1;
  const range = optional("WQ_SCALE", parse.parallelism);
  return {
    url: await redisUrl(),
    queue: text("WQ_QUEUE"),
    name: process.env.WQ_NAME ?? text("WQ_QUEUE"),
    allowFailures: process.env.WQ_ALLOW_FAILURES === "true",
    deadline: since + parse.duration(0)("WQ_ACTIVE_DEADLINE", activeDeadline),
    activeDeadline,
    concurrency,
    scale: range && {
      ...range,
      concurrency,
      idleAfterMs: optional("WQ_IDLE_AFTER", parse.duration(0)) ?? 60_000,
      job: text("WQ_WORKER_JOB"),
      namespace: text("POD_NAMESPACE"),
    },
    notifyUrl: process.env.WQ_NOTIFY,
    stallAfterMs: optional("WQ_STALL_AFTER", parse.duration(0)) ?? Infinity,
    finish: optional("WQ_FINISH", (name, value) => parse.command(name, JSON.parse(value))),
    maxOutputBytes: Math.min(MAX_OUTPUT_BYTES, optional("WQ_MAX_RESULT_BYTES", parse.integer(0)) ?? 65_536),
    metrics: process.env.WQ_METRICS === "true",
  };
}
