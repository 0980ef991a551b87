import { join } from "node:path";
import { Consumer, type ConsumerEnd, type ConsumerEvent } from "../../queue/index.ts";
import type { ConsumerOptions } from "../../queue/types.ts";
import type { RunnerPool } from "../../worker/runner/pool.ts";
import { handlerRunners, type RunnerSettings, serveCommand } from "../../worker/chooseRunners.ts";
import { quick } from "./consuming.ts";

/** The handler of the tests in a language. */
export const deeds = (language: "ts" | "py") => join(import.meta.dirname, "deeds", `deeds.${language}`);

/** A worker as it is deployed, in this process: a consumer over runners. */
export interface RunnerWorker {
  runners: RunnerPool;
  events: ConsumerEvent[];
  /** Printed lines that belong to no item. */
  lines: string[];
  stop(graceMs?: number): Promise<void>;
  ended: Promise<ConsumerEnd>;
}

/** @param program The file of a handler, or a program that speaks the protocol. */
export async function startRunners(
  url: string,
  program: string | string[],
  options: Partial<ConsumerOptions & RunnerSettings> = {},
): Promise<RunnerWorker> {
  const { concurrency = 1, batch, batchWaitMs = 0, startTimeoutMs = 30_000, graceMs = 500 } = options;
  const lines: string[] = [];
  const settings = {
    concurrency,
    batch,
    batchWaitMs,
    startTimeoutMs,
    graceMs,
    onLine: (line: string) => lines.push(line),
  };
  const runners =
    typeof program === "string"
      ? handlerRunners(program, program.replace(/^.*\//, ""), settings)
      : serveCommand(program, settings);
  await runners.ready;
  const events: ConsumerEvent[] = [];
  const consumer = new Consumer({
    ...quick(url),
    leaseMs: 2_000,
    ...options,
    concurrency: concurrency * (batch ?? 1),
    handler: runners.handler,
    readySlots: () => runners.slots,
    onEvent: (event) => events.push(event),
  });
  const ended = consumer.run().finally(() => runners.end(500));
  return { runners, events, lines, ended, stop: (graceMs = 0) => consumer.stop(graceMs) };
}
