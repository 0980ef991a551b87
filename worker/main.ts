// The worker: takes items from the queue and runs the handler or the command on them until the batch is over.
import { writeFileSync } from "node:fs";
import { connect, Consumer, QueueAdmin, type ConsumerEnd } from "../queue/index.ts";
import { ALIVE } from "./heartbeatFile.ts";
import { groupsEnded } from "./command.ts";
import { exitCodes, Exit, main, oneOf, redisUrl, text, whole, words } from "./env.ts";
import { loadCommand, loadHandler } from "./loadHandler.ts";
import { logger } from "./log.ts";

const codes: Record<ConsumerEnd, number> = {
  finished: 0,
  aborted: 0,
  stopped: exitCodes.terminated,
  unhealthy: exitCodes.unexpected,
  "redis-away": exitCodes.redis,
};

/** What a command has between TERM and KILL when the worker ends, ms: the pod has 5 s more than the items' grace. */
const LAST_WORDS_MS = 2_000;

async function work(): Promise<number> {
  const url = await redisUrl();
  const queue = text("WQ_QUEUE");
  const maxResultBytes = whole("WQ_MAX_RESULT_BYTES", 0, 65536);
  const maxFailures = process.env.WQ_MAX_FAILURES === undefined ? {} : { maxFailures: whole("WQ_MAX_FAILURES", 0) };
  const options = {
    ...{ url, queue, maxResultBytes, ...maxFailures },
    concurrency: whole("WQ_CONCURRENCY", 1, 1),
    retry: {
      maxAttempts: whole("WQ_MAX_ATTEMPTS", 1, 3),
      backoff: { min: whole("WQ_BACKOFF_MIN", 0, 1_000), max: whole("WQ_BACKOFF_MAX", 0, 300_000) },
    },
    leaseMs: whole("WQ_LEASE", 1_000, 10_000),
    itemTimeoutMs: whole("WQ_ITEM_TIMEOUT", 1, 3_600_000),
    keepResults: oneOf("WQ_KEEP_RESULTS", ["all", "failed"], "all"),
    keepLogs: oneOf("WQ_KEEP_LOGS", ["failed", "all"], "failed"),
    pod: process.env.POD_NAME ?? "",
    node: process.env.NODE_NAME ?? "",
  };
  const graceMs = whole("WQ_GRACE", 0, 10_000);
  const onEvent = logger(oneOf("WQ_LOG_FORMAT", ["text", "json"], "text"));
  const command = words("WQ_COMMAND");

  let handler;
  try {
    handler = command ? loadCommand(command, maxResultBytes) : await loadHandler();
  } catch (error) {
    return abort(url, queue, (error as Error).message);
  }
  const consumer = new Consumer({ ...options, handler, onEvent });
  process.on("SIGTERM", () => void consumer.stop(graceMs));
  process.on("SIGINT", () => void consumer.stop(graceMs));
  const beat = () => writeFileSync(ALIVE, "");
  beat();
  setInterval(beat, 5_000).unref();
  const end = await consumer.run();
  await groupsEnded(LAST_WORDS_MS);
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
    throw new Exit(exitCodes.load, reason);
  } finally {
    redis.disconnect();
  }
}

await main(work);
