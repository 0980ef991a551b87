// The worker: takes items from the queue and runs the handler or the command on them until the batch is over.
import { rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { workerSettings } from "../config/environment.ts";
import { connect, Consumer, QueueAdmin, type ConsumerEnd } from "../queue/index.ts";
import { oneLine } from "../config/foreignText.ts";
import { redisUrl, text } from "./environment.ts";
import { replaceConsole } from "./itemConsole.ts";
import { loadCommand, loadHandler } from "./loadHandler.ts";
import { logger } from "./log.ts";
import { waitForGroups } from "./processGroups.ts";
import { exitCodes, ProgramExit, runProgram } from "./program.ts";

const codes: Record<ConsumerEnd, number> = {
  finished: 0,
  aborted: 0,
  stopped: exitCodes.terminated,
  unhealthy: exitCodes.unexpected,
  "redis-away": exitCodes.redis,
};

/** What a command has between TERM and KILL when the worker ends, ms: the pod has 5 s more than the items' grace. */
const SHUTDOWN_GRACE_MS = 2_000;
/** Touched when the pod is to stop: seen also while a handler blocks the event loop, which no signal is. */
const STOP_FILE = process.env.WQ_STOP_FILE ?? "/tmp/stop";
/** A handler that does not load ends the batch when nobody else is found at work within this share of a lease. */
const LOOK_SHARE = 0.3;

async function work(): Promise<number> {
  const url = await redisUrl();
  const queue = text("WQ_QUEUE");
  const settings = workerSettings(process.env);
  const { command, maxResultBytes, gracePeriod } = settings;
  const options = {
    url,
    queue,
    concurrency: settings.concurrency,
    retry: { maxAttempts: settings.maxAttempts, backoff: settings.backoff },
    leaseMs: settings.lease,
    itemTimeoutMs: settings.itemTimeout,
    maxLosses: settings.maxLosses,
    maxFailures: settings.maxFailures,
    abortWhenNothingSucceeds: process.env.WQ_ALLOW_FAILURES !== "true",
    drain: { file: STOP_FILE, graceMs: gracePeriod },
    healthPort: Number(process.env.WQ_HEALTH_PORT) || undefined,
    maxResultBytes,
    keepResults: settings.keepResults,
    keepLogs: settings.keepLogs,
    pod: process.env.POD_NAME ?? "",
    node: process.env.NODE_NAME ?? "",
  };
  const onEvent = logger(settings.logFormat);

  let handler;
  try {
    if (command) handler = loadCommand(command, maxResultBytes);
    else {
      replaceConsole();
      handler = await loadHandler();
    }
  } catch (error) {
    return onUnloadable(url, queue, settings.lease, (error as Error).message);
  }
  // What a container before this one left.
  rmSync(STOP_FILE, { force: true });
  const consumer = new Consumer({ ...options, handler, onEvent });
  process.on("SIGTERM", () => void consumer.stop(gracePeriod));
  process.on("SIGINT", () => void consumer.stop(gracePeriod));
  const end = await consumer.run();
  await waitForGroups(SHUTDOWN_GRACE_MS);
  return codes[end];
}

/**
 * Where no worker can start, the batch ends with the reason: the verdict tells it, instead of pods that restart until a
 * deadline. Where others work it is this pod's trouble, which a restart may mend.
 */
async function onUnloadable(url: string, queue: string, leaseMs: number, reason: string): Promise<number> {
  console.error(oneLine(reason));
  const redis = await connect(url, 60_000);
  try {
    const admin = new QueueAdmin(redis, queue);
    if (await isAnybodyAtWork(admin, leaseMs * LOOK_SHARE)) throw new Error("others are at work");
    await admin.abort(reason);
    return 0;
  } catch {
    throw new ProgramExit(exitCodes.load, reason);
  } finally {
    redis.disconnect();
  }
}

/** Whether anything was ever done, or another worker is there, or comes within this time. */
async function isAnybodyAtWork(admin: QueueAdmin, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; ; await sleep(100)) {
    const { done, running, workersAlive } = await admin.counts();
    if (done + running + workersAlive > 0) return true;
    if (performance.now() > end) return false;
  }
}

await runProgram(work);
