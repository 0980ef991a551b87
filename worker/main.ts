// The worker: takes items from the queue and hands them to runners, or to a command, until the batch is over.
import { type ProgramSettings, readSettings } from "../config/toldSettings.ts";
import { Consumer, type ConsumerEnd, type ConsumerOptions, type Handler } from "../queue/index.ts";
import { checkCommand } from "./command/checkCommand.ts";
import { commandHandler } from "./command/command.ts";
import { severalLines } from "../config/foreignText.ts";
import { redisUrl } from "./containerVariables.ts";
import { waitForFamilies } from "./processes/family.ts";
import { Health } from "./health.ts";
import { logger } from "./log.ts";
import { exitCodes } from "./exitCodes.ts";
import { ProgramExit, runProgram } from "./runProgram.ts";
import type { RunnerPool } from "./runner/pool.ts";
import { onUnloadable } from "./onUnloadable.ts";
import { handlerRunners, ownHandler, serveCommand } from "./chooseRunners.ts";

const codes: Record<ConsumerEnd, number> = {
  finished: 0,
  aborted: 0,
  stopped: exitCodes.terminated,
  unhealthy: exitCodes.unexpected,
  "redis-away": exitCodes.redis,
};

/** Time of a program between TERM and KILL when the worker ends, ms: the pod has 5 s more than the items' grace. */
const SHUTDOWN_GRACE_MS = 2_000;

/** The handler, and its runners if it has some. */
interface Started {
  handler: Handler;
  runners?: RunnerPool;
}

async function work(): Promise<number> {
  const url = await redisUrl();
  const settings = readSettings("worker");
  const health = new Health();
  if (settings.healthPort !== undefined) health.serve(settings.healthPort);

  let stop: () => void = () => process.exit(exitCodes.terminated);
  process.on("SIGTERM", () => stop());
  process.on("SIGINT", () => stop());
  let started: Started;
  try {
    started = start(settings);
    await started.runners?.ready;
  } catch (error) {
    await onUnloadable(url, settings, error as Error);
    console.log("Nothing to do here, exiting");
    return 0;
  }
  const { handler, runners } = started;
  const consumer = new Consumer(consumerOptions(url, settings, { handler: health.watched(handler), runners }));
  stop = () => void consumer.stop(settings.gracePeriod);
  let broken: Error | undefined;
  runners?.failure.catch((error: Error) => {
    broken = error;
    void consumer.stop(0);
  });
  const end = await consumer.run();
  await runners?.end(SHUTDOWN_GRACE_MS);
  await waitForFamilies(SHUTDOWN_GRACE_MS);
  if (broken) throw new ProgramExit(exitCodes.load, broken.message);
  return codes[end];
}

function consumerOptions(
  url: string,
  settings: ProgramSettings<"worker">,
  { handler, runners }: Started,
): ConsumerOptions {
  const { queue, maxLosses, maxFailures, maxResultBytes, keepResults, keepLogs } = settings;
  return {
    url,
    queue,
    handler,
    readySlots: () => runners?.slots ?? settings.concurrency,
    concurrency: settings.concurrency * (runners ? (settings.batch ?? 1) : 1),
    retry: { maxAttempts: settings.maxAttempts, backoff: settings.backoff },
    leaseMs: settings.lease,
    itemTimeoutMs: settings.itemTimeout,
    maxLosses,
    maxFailures,
    abortWhenNothingSucceeds: !settings.allowFailures,
    loadMs: performance.now(),
    maxResultBytes,
    keepResults,
    keepLogs,
    pod: process.env.WQ_POD ?? "",
    node: process.env.WQ_NODE ?? "",
    onEvent: logger(settings.logFormat),
  };
}

/** Starts what runs the items. @throws Error with one line if it cannot be started. */
function start({ command, maxResultBytes, ...settings }: ProgramSettings<"worker">): Started {
  if (command && !settings.serve) {
    checkCommand(command);
    return { handler: commandHandler(command, maxResultBytes) };
  }
  const runnerSettings = {
    concurrency: settings.concurrency,
    batch: settings.batch,
    batchWaitMs: settings.batchWait,
    startTimeoutMs: settings.startTimeout,
    graceMs: Math.min(5_000, settings.itemTimeout),
    onLine: (line: string) => console.log(severalLines(line)),
  };
  const { handler: name = "worker/handler.ts" } = settings;
  const runners = command
    ? serveCommand(command, runnerSettings)
    : handlerRunners(ownHandler(name), name, runnerSettings, { WQ_WORK_SECONDS: String(settings.workSeconds) });
  return { handler: runners.handler, runners };
}

await runProgram(work);
