// The worker: takes items from the queue and runs the handler or the command on them until the batch is over.
import { writeFileSync } from "node:fs";
import { workerSettings } from "../config/environment.ts";
import { connect, Consumer, QueueAdmin, type ConsumerEnd } from "../queue/index.ts";
import { ALIVE } from "./heartbeatFile.ts";
import { redisUrl, text } from "./environment.ts";
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
    maxFailures: settings.maxFailures,
    maxResultBytes,
    keepResults: settings.keepResults,
    keepLogs: settings.keepLogs,
    pod: process.env.POD_NAME ?? "",
    node: process.env.NODE_NAME ?? "",
  };
  const onEvent = logger(settings.logFormat);

  let handler;
  try {
    handler = command ? loadCommand(command, maxResultBytes) : await loadHandler();
  } catch (error) {
    return abort(url, queue, (error as Error).message);
  }
  const consumer = new Consumer({ ...options, handler, onEvent });
  process.on("SIGTERM", () => void consumer.stop(gracePeriod));
  process.on("SIGINT", () => void consumer.stop(gracePeriod));
  const beat = () => writeFileSync(ALIVE, "");
  beat();
  setInterval(beat, 5_000).unref();
  const end = await consumer.run();
  await waitForGroups(SHUTDOWN_GRACE_MS);
  return codes[end];
}

/** No worker of this image can start, so the batch ends with the reason: the verdict says it, instead of pods that restart until a deadline. */
async function abort(url: string, queue: string, reason: string): Promise<number> {
  console.error(reason);
  const redis = await connect(url, 60_000);
  try {
    await new QueueAdmin(redis, queue).abort(reason);
    return 0;
  } catch {
    throw new ProgramExit(exitCodes.load, reason);
  } finally {
    redis.disconnect();
  }
}

await runProgram(work);
